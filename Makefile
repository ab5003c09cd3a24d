# From a fresh clone: `make reproduce` or `make test`, nothing else. DEVICE=auto|cpu|cuda says which libtorch is brought
# and where networks train.
DEVICE ?= auto
# What becomes of runs that are there already: --resume keeps those of the same config, --overwrite makes them anew.
EXISTING ?= --resume

.PHONY: help setup build install reproduce reproduce-full test test-python test-torch test-browser test-kills test-slurm bench lint clean

help:
	@echo 'make reproduce  set up, train, draw plots/*.png, write plots/CLAIMS.md'
	@echo 'make reproduce-full  what is heavier (about an hour on two cores), to plots/full'
	@echo 'make test       set up, pass all tests'
	@echo 'make test-python  pandas, NumPy and TensorBoard (brought into ~/.cache/ocs) read what export and --tensorboard write; a terminal watches'
	@echo 'make test-torch  PyTorch (of python3, or brought: 2.6 GB) answers what was recorded, from what export --torch writes'
	@echo 'make test-browser  installs chromium (Debian) by apt where there is none, and drives it by Playwright; it shows what ocs report writes, and does the task of ocs human'
	@echo 'make test-kills KILLS=150  kill runs at random points, resume them, compare every byte that they leave'
	@echo 'make test-slurm  runs on a real Slurm of this machine, disturbed: requeued, cancelled, preempted, nodes and controller down'
	@echo 'make build      set up, leave target/release/ocs'
	@echo 'make install PREFIX=DIR  leave a tree that runs wherever it is moved or copied to (a cluster, say)'
	@echo 'make bench      time the program against PyTorch, write bench/RESULTS.md; BENCH=--quick for a look'
	@echo 'make lint       formatting and clippy, as CI checks them'
	@echo 'EXISTING=--overwrite  make reproduce anew what an earlier one left in runs/'
	@echo 'DEVICE=cuda     with the CUDA libraries, on a GPU'

setup:
	@./set-up --device $(DEVICE)

build: setup
	cargo build --release

# PREFIX is its folder: bin/ocs, lib/torch, configs. What is there already is kept for runs that use it.
install: build
	@test -n "$(PREFIX)" || { echo 'make install: say where: make install PREFIX=$$HOME/ocs' >&2; exit 1; }
	@python3 -B set_up/install.py "$(PREFIX)"

reproduce: build
	target/release/ocs reproduce --device $(DEVICE) $(EXISTING)

reproduce-full: build
	target/release/ocs reproduce --full --device $(DEVICE) $(EXISTING)

test: setup
	cargo test --release

test-python: build
	python3 -B tests/python/test_results.py target/release/ocs
	python3 -B tests/python/test_terminal.py target/release/ocs

# With TORCH_PYTHON=PYTHON by another Python that has torch and safetensors.
TORCH_PYTHON ?= python3
test-torch: build
	$(TORCH_PYTHON) -B tests/python/test_torch.py target/release/ocs

# SCREENSHOTS=FOLDER keeps what the browser shows.
test-browser: build
	python3 -B tests/browser/test_report.py target/release/ocs $(if $(SCREENSHOTS),--screenshots $(SCREENSHOTS))
	python3 -B tests/browser/test_task.py target/release/ocs $(if $(SCREENSHOTS),--screenshots $(SCREENSHOTS))

# Each kill costs some three seconds.
KILLS ?= 150
test-kills: build
	python3 -B tests/kills/kill.py --kills $(KILLS)
# Installs Slurm with apt where it is missing, starts one under /tmp, and stops what it started. SCENARIOS names some alone.
test-slurm: build
	python3 -B tests/slurm/test_slurm.py target/release/ocs $(SCENARIOS)

# BENCH holds further arguments of bench/compare.py, such as --quick or --only CNN.
bench: build
	python3 bench/compare.py --write bench/RESULTS.md $(BENCH)

lint: setup
	cargo fmt --check
	cargo clippy --release --all-targets -- -D warnings

clean:
	cargo clean
