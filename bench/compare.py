#!/usr/bin/env python3
"""Time this program and PyTorch at the same work, alternately, and print medians and ratios as Markdown.

`make bench` builds the program and runs this. Progress goes to stderr, the tables to stdout. Whatever fails ends the
benchmark with the command that failed; no row is ever left out. Before a row is timed, every PyTorch variant must reach
the same weights as eager PyTorch, and eager PyTorch the same weights as this program.

PyTorch lives in a virtual environment of its own in the cache folder ($OCS_CACHE, else $XDG_CACHE_HOME/ocs, else
~/.cache/ocs), which may be deleted at any time; --python takes an interpreter that has torch already.
"""

import argparse
import contextlib
import datetime
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

TORCH = "2.13.0"
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BASELINES = HERE / "baselines.py"
CORES = (1, 2)
# Libraries read these; both sides are told their number of threads otherwise.
IGNORED_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "KMP_AFFINITY", "GOMP_CPU_AFFINITY", "OMP_PROC_BIND", "LD_PRELOAD")
# From a start of this size and at this rate, a few steps change every weight visibly.
CHECK = {"std": 0.1, "learning_rate": 0.02, "steps": 30}
# Variants must agree with eager PyTorch to these fractions of what training moved. In bfloat16 all weights are taken
# together and compared with float32.
TOLERANCE = {"float64": 1e-8, "float32": 1e-4, "bfloat16": 5e-2}
WIDTH, ONE_HOT_STEPS = 64, 2000


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def fail(text):
    say(f"error: {text}")
    sys.exit(1)


def shown(command):
    words = [str(word) if len(str(word)) < 200 else str(word)[:200] + " ..." for word in command]
    return " ".join(f"'{word}'" if re.search(r"[\s\[{]", word) else word for word in words)


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(os.environ.get("OCS_CACHE") or base + "/ocs").expanduser().absolute()


def data_folder():
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(os.environ.get("OCS_DATA") or base + "/ocs/data").expanduser().absolute()


# -- processes ---------------------------------------------------------------------------------------------------------

class Finished:
    """A process that succeeded: its stdout, its wall time in seconds, its peak memory in bytes."""

    def __init__(self, command, environment):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.perf_counter()
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       env=environment, cwd=ROOT)
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            self.stdout = out.read().decode()
            if process.returncode != 0:
                fail(f"exit status {process.returncode} of {shown(command)}\n{err.read().decode()[-3000:]}")
        self.peak_memory = 1024 * usage.ru_maxrss

    def json(self, command):
        try:
            return json.loads(self.stdout)
        except ValueError:
            fail(f"no JSON on stdout of {shown(command)}: {self.stdout[:500]!r}")


class Worker:
    """A PyTorch process that has built one variant and trains on request."""

    def __init__(self, bench, work):
        self.command = [bench.python, BASELINES, "serve", json.dumps(work)]
        self.stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(word) for word in self.command], stdin=subprocess.PIPE, stderr=self.stderr,
                                        stdout=subprocess.PIPE, text=True, env=bench.environment, cwd=ROOT)
        self.peak_memory = 0
        self.answer()

    def ask(self, steps):
        try:
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.stderr.seek(0)
            fail(f"exit status {self.process.returncode} of {shown(self.command)}\n{self.stderr.read().decode()[-3000:]}")
        answer = json.loads(line)
        self.peak_memory = answer.get("peak_memory", 0)
        return answer

    def seconds(self, steps):
        self.ask(steps)
        return self.answer()["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.stderr.close()


class Bench:
    """Where programs and data lie, and how thoroughly to measure."""

    def __init__(self, arguments):
        self.ocs, self.data, self.quick = arguments.ocs, arguments.data_dir, arguments.quick
        self.repetitions = arguments.repetitions or (3 if self.quick else 5)
        self.only = re.compile(arguments.only or "")
        self.trials = {}
        self.environment = {key: value for key, value in os.environ.items() if key not in IGNORED_VARIABLES}
        # Both sides compute on the CPU and read the same files.
        self.environment.update(CUDA_VISIBLE_DEVICES="", OCS_DATA=str(self.data), RUST_LOG="error")
        if not self.ocs.is_file():
            fail(f"{self.ocs} does not exist: run `make bench`, or `cargo build --release` first")
        self.python = arguments.python or self.make_environment()
        answer = self.run([self.python, "-c", "import torch, numpy; print(torch.__version__)"])
        self.torch = answer.stdout.strip()
        if self.torch.split("+")[0] != TORCH:
            fail(f"{self.python} has torch {self.torch}, but this program is built on {TORCH}: choose another --python")

    def run(self, command):
        return Finished(command, self.environment)

    def baseline(self, task, work):
        command = [self.python, BASELINES, task, json.dumps(work)]
        return self.run(command).json(command)

    def make_environment(self):
        """The interpreter of the throw-away environment, made if it is absent or has another torch."""
        folder = cache_folder() / "bench-venv"
        python = folder / "bin" / "python"
        probe = f"import torch, numpy, sys; sys.exit(torch.__version__.split('+')[0] != '{TORCH}')"
        if python.exists() and subprocess.run([python, "-c", probe], capture_output=True).returncode == 0:
            return python
        say(f"making a Python environment with torch {TORCH} in {folder} (some GB; delete it when you like)")
        self.run([sys.executable, "-m", "venv", "--clear", folder])
        install = [python, "-m", "pip", "install", "--quiet", f"torch=={TORCH}", "numpy"]
        # The build without CUDA is a tenth as large; where its index is out of reach, the usual one serves.
        small = install + ["--index-url", "https://download.pytorch.org/whl/cpu", "--retries", "0", "--timeout", "10"]
        if subprocess.run(small, capture_output=True, env=self.environment).returncode != 0:
            say("no PyTorch without CUDA to be had; taking the usual one")
            self.run(install)
        return python


# -- contestants: each measures seconds for one unit of its row's work --------------------------------------------------

class Ours:
    """`ocs bench`."""

    def __init__(self, bench, config, settings, seeds, steps, threads, jobs):
        self.bench, self.role = bench, "ours"
        self.name = f"{threads} thread{'s' * (threads > 1)}, {jobs} job{'s' * (jobs > 1)}"
        self.command = [bench.ocs, "bench", HERE / config, "--threads", threads, "--jobs", jobs, "--json",
                        "--set", f"seeds={list(range(seeds))}", "--set", f"training.steps={steps}"]
        for key, value in settings.items():
            self.command += ["--set", f"{key}={value}"]
        self.work, self.peak_memory, self.seconds = seeds * steps, 0, []

    def measure(self):
        finished = self.bench.run(self.command)
        answer = finished.json(self.command)
        if answer["device"] != "cpu" or len(answer["conditions"]) != 1:
            fail(f"expected one condition on the CPU from {shown(self.command)}: {finished.stdout[:500]}")
        condition = answer["conditions"][0]
        if condition["seeds"] * condition["steps"] != self.work:
            fail(f"expected {self.work} steps from {shown(self.command)}: {finished.stdout[:500]}")
        self.peak_memory = max(self.peak_memory, finished.peak_memory)
        self.seconds.append(condition["seconds"] / self.work)

    def close(self):
        pass


class PyTorch:
    """One or several processes at the same time, `seeds` networks in each."""

    def __init__(self, bench, work, variant, role, threads, processes, steps, split_seeds=False):
        self.role, self.variant, self.steps, self.seconds, self.peak_memory = role, variant, steps, [], 0
        self.name = variant + (f", {threads} threads" if threads > 1 else "") + (
            f", {processes} processes" if processes > 1 else "")
        seeds = work.get("seeds", 1)
        shares = [seeds] * processes
        if split_seeds:
            shares = [seeds // processes + (index < seeds % processes) for index in range(processes)]
        self.work = sum(shares) * steps
        self.workers = [Worker(bench, {**work, "variant": variant, "threads": threads, "seeds": share}) for share in shares]

    def measure(self):
        for worker in self.workers:
            worker.ask(self.steps)
        self.seconds.append(max(worker.answer()["seconds"] for worker in self.workers) / self.work)
        self.peak_memory = sum(worker.peak_memory for worker in self.workers)

    def close(self):
        for worker in self.workers:
            worker.close()


class Process:
    """A whole process, from start to exit."""

    def __init__(self, bench, name, role, command):
        self.bench, self.name, self.role, self.command = bench, name, role, command
        self.seconds, self.peak_memory = [], 0

    def measure(self):
        finished = self.bench.run(self.command)
        self.seconds.append(finished.seconds)
        self.peak_memory = max(self.peak_memory, finished.peak_memory)

    def close(self):
        pass


class Row:
    """One line of a table: contestants at the same work on the same number of cores."""

    def __init__(self, name, cores, units, contestants, work=None, notes=()):
        self.name, self.cores, self.units, self.contestants = name, cores, units, contestants
        self.work, self.notes = work, list(notes)

    def best(self, *roles):
        """The contestant of these roles with the smallest median."""
        chosen = [contestant for contestant in self.contestants if contestant.role in roles]
        return min(chosen, key=lambda contestant: statistics.median(contestant.seconds)) if chosen else None

    def as_json(self):
        return {"work": self.name, "cores": self.cores, "units": self.units, "notes": self.notes, "contestants": [
            {"name": contestant.name, "role": contestant.role, "peak_memory": contestant.peak_memory,
             "seconds": [seconds * self.units for seconds in contestant.seconds]} for contestant in self.contestants]}


def alternate(row, repetitions):
    """All contestants once, then all once more, and so on, so that a slow minute meets every one of them."""
    for repetition in range(repetitions):
        say(f"  {row.name}, {row.cores} core{'s' * (row.cores > 1)}: repetition {repetition + 1} of {repetitions}")
        for contestant in row.contestants:
            contestant.measure()
    for contestant in row.contestants:
        contestant.close()
    return row


def ratio(slow, fast):
    """Median ratio, smallest and largest, of repetitions paired in time."""
    ratios = [a / b for a, b in zip(slow, fast)]
    return statistics.median(slow) / statistics.median(fast), min(ratios), max(ratios)


# -- training rows -----------------------------------------------------------------------------------------------------

def check_variants(bench, work):
    """Every variant against eager PyTorch, from the same weights."""
    answer = bench.baseline("check", work)
    tolerance = TOLERANCE[work["dtype"]]
    for variant, difference in answer.items():
        if not difference <= tolerance:
            fail(f"PyTorch variant '{variant}' of {work} ends {difference:.2g} of the way from eager PyTorch's weights "
                 f"(tolerance {tolerance:g}): its time would mean nothing")
    say(f"  {len(answer)} PyTorch variants agree with eager PyTorch to {max(answer.values()):.1g}")


def check_against_program(bench, config, work, steps):
    """Eager PyTorch follows this program's own weights, in float64, over `steps` steps."""
    with tempfile.TemporaryDirectory(prefix="ocs-bench-") as folder:
        ends = []
        for done in (1, 1 + steps):
            out = pathlib.Path(folder) / str(done)
            settings = {"training.steps": done, "training.precision": "float64", "training.observations": 2,
                        "training.learning_rate": work["learning_rate"], "network.bias": work["bias"],
                        "network.initialisation": f"{{normal: {{std: {work['std']}}}}}", "name": "check"}
            command = [bench.ocs, "train", HERE / config, "--out", out, "--threads", "1", "--jobs", "1"]
            for key, value in settings.items():
                command += ["--set", f"{key}={value}"]
            bench.run(command)
            ends.append(str(out / "check" / "default" / "0.checkpoint" / "tensors.safetensors"))
        answer = bench.baseline("follow", {**work, "dtype": "float64", "start": ends[0], "end": ends[1], "steps": steps})
    if not answer["difference"] <= 1e-6:
        fail(f"from the same weights, {steps} steps of {config} and of eager PyTorch end {answer['difference']:.2g} apart "
             "(of what they moved): they do not do the same work")
    say(f"  eager PyTorch follows this program's weights to {answer['difference']:.1g}")


def finalists(bench, work, threads):
    """The two fastest candidates in a short trial, and the trial's seconds per seed and step of information variants."""
    key = json.dumps([work, threads])
    if key in bench.trials:  # two one-thread processes compete with what one core chose
        return bench.trials[key]
    times = {}
    roles = dict(bench.baseline("variants", work))
    for variant, role in roles.items():
        if role == "eager":
            continue
        worker = Worker(bench, {**work, "variant": variant, "threads": threads})
        steps, seconds = 1, worker.seconds(1)
        while seconds < 0.1:
            steps *= 4
            seconds = worker.seconds(steps)
        tries = [worker.seconds(steps) for _ in range(2 if bench.quick else 3)]
        times[variant] = min(tries) / steps / work.get("seeds", 1)
        worker.close()
    ranked = sorted((variant for variant in times if roles[variant] == "candidate"), key=times.get)
    information = {variant: times[variant] for variant in times if roles[variant] == "information"}
    bench.trials[key] = ranked[:2], information
    return bench.trials[key]


def training_rows(bench, name, work, ours, units, steps, eager, split_seeds=False):
    """Rows of one work for 1 and 2 cores. `ours(threads, jobs)` and `eager(threads)` make contestants."""
    for cores in CORES:
        title = f"{name}, {cores} core{'s' * (cores > 1)}"
        if not bench.only.search(title):
            continue
        say(title)
        notes, contestants = [], [ours(1, 1)] if cores == 1 else [ours(1, cores), ours(cores, 1)]
        contestants.append(eager(cores))
        ranked, information = finalists(bench, work, cores)
        for variant in ranked:
            contestants.append(PyTorch(bench, work, variant, "candidate", cores, 1, steps))
        if cores > 1 and (not split_seeds or work["seeds"] >= cores):
            share = {**work, "seeds": work["seeds"] // cores} if split_seeds else work
            alone, _ = finalists(bench, share, 1)
            contestants.append(PyTorch(bench, work, alone[0], "candidate", 1, cores, steps, split_seeds))
        for variant, seconds in information.items():
            notes.append(f"{variant}: {duration(seconds * units)} (short trial, not among the candidates)")
        yield alternate(Row(name, cores, units, contestants, work, notes), bench.repetitions)


def wanted(bench, name):
    return any(bench.only.search(f"{name}, {cores} core{'s' * (cores > 1)}") for cores in CORES)


def one_hot_rows(bench):
    base = {"work": "one-hot", "width": WIDTH, "bias": "all", "dtype": "float32", "std": 1.77e-3, "learning_rate": 0.004}
    checked = False
    for seeds in (1, 10, 100, 1000):
        name = f"linear one-hot, {seeds:,} seed{'s' * (seeds > 1)} x {ONE_HOT_STEPS:,} steps"
        if not wanted(bench, name):
            continue
        if not checked:
            check_against_program(bench, "linear_one_hot.yaml", {**base, **CHECK}, 100)
            checked = True
        check_variants(bench, {**base, **CHECK, "seeds": min(seeds, 201), "dtype": "float64"})
        work = {**base, "seeds": seeds}
        eager_seeds, eager_steps = min(seeds, 2 if bench.quick else 5), 500 if bench.quick else ONE_HOT_STEPS
        steps = max(50, 200 // max(1, seeds // 100)) if bench.quick else ONE_HOT_STEPS

        def ours(threads, jobs):
            return Ours(bench, "linear_one_hot.yaml", {}, seeds, ONE_HOT_STEPS, threads, jobs)

        def eager(threads):
            return PyTorch(bench, {**base, "seeds": eager_seeds}, "eager, seed after seed", "eager", threads, 1, eager_steps)

        for row in training_rows(bench, name, work, ours, seeds * ONE_HOT_STEPS, steps, eager, split_seeds=True):
            if eager_seeds < seeds:
                row.notes.append(f"eager: {eager_seeds} seeds timed, scaled to {seeds:,}")
            yield row


def full_batch_rows(bench):
    for bias in ("none", "all"):
        checked = False
        base = {"work": "full-batch", "width": WIDTH, "bias": bias, "dtype": "float32", "std": 1e-3, "seeds": 1,
                "learning_rate": 0.005, "data": str(bench.data)}
        for images in (1_000, 10_000, None):
            name = f"linear full batch, {'48 k' if images is None else f'{images // 1000} k'} MNIST images, bias {bias}, per step"
            if not wanted(bench, name):
                continue
            small = {**base, **CHECK, "std": 0.03, "learning_rate": 0.005, "steps": 20}
            if not checked:
                check_against_program(bench, "linear_full_batch.yaml", small, 20)
                checked = True
            check_variants(bench, {**small, "images": min(images or 10_000, 10_000), "dtype": "float64"})
            work = {**base, "images": images}
            steps = {1_000: 200, 10_000: 20, None: 5}[images] * (1 if bench.quick else 4)
            settings = {"network.bias": bias, "task.samples.train": "null" if images is None else images}

            def ours(threads, jobs):
                return Ours(bench, "linear_full_batch.yaml", settings, max(1, jobs), 5000, threads, jobs)

            def eager(threads):
                return PyTorch(bench, work, "eager on the samples", "eager", threads, 1, steps)

            yield from training_rows(bench, name, work, ours, 1, steps, eager)


def convolutional_rows(bench):
    for dataset, rate in (("mnist", 0.05), ("cifar10", 0.03)):
        for precision in ("float32", "bfloat16"):
            name = f"CNN, {dataset}, {precision}, per step"
            if not wanted(bench, name):
                continue
            work = {"work": "cnn", "dataset": dataset, "dtype": precision, "learning_rate": rate, "data": str(bench.data)}
            check_variants(bench, {**work, "steps": 8})
            steps = 30 if bench.quick else 200

            def ours(threads, jobs):
                settings = {"training.precision": precision}
                return Ours(bench, f"cnn_{dataset}.yaml", settings, max(1, jobs), steps, threads, jobs)

            def eager(threads):
                return PyTorch(bench, {**work, "dtype": "float32"}, "eager", "eager", threads, 1, steps)

            for row in training_rows(bench, name, work, ours, 1, steps, eager):
                if precision == "bfloat16":
                    row.notes.append("eager is float32")
                yield row


# -- whole processes ---------------------------------------------------------------------------------------------------

EMPTY = "int main(void) { return 0; }\n"


def train_command(bench, config, out, seeds, steps, observations):
    return [bench.ocs, "train", HERE / config, "--out", out, "--threads", 1, "--jobs", 1,
            "--set", f"seeds={list(range(seeds))}", "--set", f"training.steps={steps}",
            "--set", f"training.observations={observations}"]


def start_up_rows(bench, folder):
    repetitions = 5 if bench.quick else 20
    name = "start-up, ocs --help"
    if bench.only.search(name):
        say(name)
        libraries = (ROOT / "libtorch" / "torch" / "lib").resolve()
        source, empty = folder / "empty.c", folder / "empty"
        source.write_text(EMPTY)
        bench.run([os.environ.get("CC", "cc"), source, "-o", empty, f"-L{libraries}", f"-Wl,-rpath,{libraries}",
                   "-Wl,--no-as-needed", "-ltorch_cpu", "-lc10"])
        yield alternate(Row(name, 1, 1, [
            Process(bench, "ocs --help", "ours", [bench.ocs, "--help"]),
            Process(bench, "an empty C program linked to libtorch", "floor", [empty])]), repetitions)
    name = "trivial run, 10 steps of one seed, whole process"
    if bench.only.search(name):
        say(name)
        work = {"work": "one-hot", "seeds": 1, "width": WIDTH, "bias": "all", "dtype": "float32", "std": 1.77e-3,
                "learning_rate": 0.004, "steps": 10}
        yield alternate(Row(name, 1, 1, [
            Process(bench, "ocs train", "ours", train_command(bench, "linear_one_hot.yaml", folder / "trivial", 1, 10, 10)),
            Process(bench, "python, eager", "eager", [bench.python, BASELINES, "trivial", json.dumps(work)])]),
            max(3, repetitions // 2))


def whole_job_rows(bench, folder):
    """`ocs train` with 200 observations over the bare steps, which `ocs bench` tells."""
    jobs = (("CNN, mnist", "cnn_mnist.yaml", 1, 500 if bench.quick else 3000),
            ("linear one-hot, 10 seeds", "linear_one_hot.yaml", 10, 8000),
            ("linear one-hot, 100 seeds", "linear_one_hot.yaml", 100, 20_000 if bench.quick else 200_000))
    for work, config, seeds, steps in jobs:
        name = f"whole job with 200 observations, {work}, {steps:,} steps"
        if not bench.only.search(name):
            continue
        say(name)
        units = seeds * steps
        bare = Ours(bench, config, {}, seeds, steps, 1, 1)
        bare.role, bare.name = "floor", "bare steps (ocs bench)"
        whole = Process(bench, "ocs train", "ours", train_command(bench, config, folder / "whole", seeds, steps, 200))
        start = Process(bench, "ocs train of 1 step", "start", train_command(bench, config, folder / "one", seeds, 1, 2))
        row = Row(name, 1, 1, [whole, bare, start])
        row = alternate(row, bench.repetitions)
        bare.seconds = [seconds * units for seconds in bare.seconds]
        least, _, _ = ratio([a - b for a, b in zip(whole.seconds, start.seconds)], bare.seconds)
        row.notes.append(f"without start-up and reading of data ({duration(statistics.median(start.seconds))}, "
                         f"a run of 1 step): {least:.2f}")
        extra = statistics.median(whole.seconds) - statistics.median(bare.seconds)
        enough = extra / (statistics.median(bare.seconds) / steps * 0.05)
        row.notes.append(f"start-up and 200 observations cost {duration(extra)}, however many the steps: by that 5 % of the "
                         f"steps' time from {math.ceil(enough):,} steps on")
        yield row


# -- the machine -------------------------------------------------------------------------------------------------------

def multiplication_peaks(bench):
    """Floating-point operations per second of the best large product, by format and threads."""
    peaks = {}
    sizes, tries = ([1024, 2048], 3) if bench.quick else ([1024, 2048, 4096], 5)
    for dtype in ("float32", "bfloat16"):
        for threads in CORES:
            say(f"largest matrix products, {dtype}, {threads} thread{'s' * (threads > 1)}")
            work = {"dtype": dtype, "threads": threads, "sizes": sizes, "tries": tries}
            peaks[dtype, threads] = bench.baseline("multiply", work)["operations_per_second"]
    return peaks


def step_operations(dataset):
    """Floating-point operations of one step of the 16-32-64 network on 64 images: for each layer the forward product and
    both backward ones, but no gradient by the first layer's inputs. Two per multiplication and addition."""
    channels, side = {"mnist": (1, 28), "cifar10": (3, 32)}[dataset]
    total = 0
    for layer, after in enumerate((16, 32, 64)):
        total += (2 if layer == 0 else 3) * 2 * 9 * channels * after * side * side
        channels, side = after, side // 2
    return 64 * (total + 3 * 2 * channels * side * side * 14)


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    flags = set((re.search(r"flags\s*: (.*)", text) or [""])[0].split())
    sets = [name for flag, name in (("avx512f", "AVX-512"), ("avx512_bf16", "AVX-512 bfloat16"), ("amx_bf16", "AMX bfloat16"))
            if flag in flags]
    return {"processor": model[1] if model else "unknown", "cores": len(os.sched_getaffinity(0)),
            "instructions": sets, "load": os.getloadavg()[0]}


# -- tables ------------------------------------------------------------------------------------------------------------

def duration(seconds):
    for size, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def spread(numbers):
    middle, least, most = numbers
    return f"{middle:.3g} ({least:.3g}–{most:.3g})"


def megabytes(contestant):
    return f"{contestant.peak_memory / 1e6:,.0f}"


def median(row, contestant):
    return statistics.median(contestant.seconds) * row.units


def training_table(rows):
    lines = ["| work | cores | ours | eager | best PyTorch | variant | eager / ours | best / ours | memory ours, eager, best (MB) |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        ours, eager, best = row.best("ours"), row.best("eager"), row.best("eager", "candidate")
        lines.append(f"| {row.name} | {row.cores} | {duration(median(row, ours))} ({ours.name}) | {duration(median(row, eager))} | "
                     f"{duration(median(row, best))} | {best.name} | {spread(ratio(eager.seconds, ours.seconds))} | "
                     f"{spread(ratio(best.seconds, ours.seconds))} | "
                     f"{megabytes(ours)}, {megabytes(eager)}, {megabytes(best)} |")
    return lines


def process_table(rows):
    lines = ["| whole process | ours | compared with | its time | ours / it | memory (MB) |", "|---|---|---|---|---|---|"]
    for row in rows:
        ours, other = row.best("ours"), row.best("floor", "eager")
        lines.append(f"| {row.name} | {duration(median(row, ours))} | {other.name} | {duration(median(row, other))} | "
                     f"{spread(ratio(ours.seconds, other.seconds))} | {megabytes(ours)}, {megabytes(other)} |")
    return lines


def peak_table(rows, peaks):
    lines = ["| CNN step | cores | MFLOP | ours | best PyTorch |", "|---|---|---|---|---|"]
    for row in rows:
        operations, peak = step_operations(row.work["dataset"]), peaks[row.work["dtype"], row.cores]
        fractions = [f"{operations / median(row, contestant) / 1e9:,.0f} GFLOP/s, {operations / median(row, contestant) / peak:.0%}"
                     for contestant in (row.best("ours"), row.best("eager", "candidate"))]
        lines.append(f"| {row.name.removesuffix(', per step')} | {row.cores} | {operations / 1e6:,.0f} | {' | '.join(fractions)} |")
    return lines


def targets(rows):
    """What must be reached: (sentence, bound, measured, whether larger is better)."""
    named = {(row.name, row.cores): row for row in rows}

    def find(start, end=""):
        return [row for row in rows if row.name.startswith(start) and row.name.endswith(end)]

    def seconds(row, *roles):
        contestant = row.best(*roles)
        return median(row, contestant)

    answer = []

    def add(sentence, bound, value, at_least):
        answer.append({"target": sentence, "bound": bound, "measured": value, "at_least": at_least,
                       "met": value >= bound if at_least else value <= bound})

    hundred = find("linear one-hot, 100 seeds")
    for row in hundred:
        add(f"{row.name}, {row.cores} core(s): sequential eager / ours", 150, seconds(row, "eager") / seconds(row, "ours"), True)
    if len(hundred) == len(CORES):
        add(f"{hundred[0].name}, best of all cores against best: best PyTorch / ours", 1.2,
            min(seconds(row, "candidate") for row in hundred) / min(seconds(row, "ours") for row in hundred), True)
    for row in hundred:
        add(f"{row.name}, {row.cores} core(s): best PyTorch / ours", 1.2, seconds(row, "candidate") / seconds(row, "ours"), True)
        thousand = [other for other in find("linear one-hot, 1,000 seeds") if other.cores == row.cores]
        for other in thousand:
            add(f"linear one-hot, ours, {row.cores} core(s): 1,000 seeds / 100 seeds", 10,
                seconds(other, "ours") / seconds(row, "ours"), False)
    for row in find("linear full batch, 48 k"):
        add(f"{row.name}, {row.cores} core(s): eager on the samples / ours", 1000, seconds(row, "eager") / seconds(row, "ours"), True)
        add(f"{row.name}, {row.cores} core(s): best on the samples / ours", 1000,
            seconds(row, "eager", "candidate") / seconds(row, "ours"), True)
        small = named.get((row.name.replace("48 k", "1 k"), row.cores))
        if small:
            add(f"{row.name}, {row.cores} core(s): ours / ours at 1 k images", 1.1, seconds(row, "ours") / seconds(small, "ours"), False)
    for row in find("CNN"):
        bound = {"float32": 1.5, "bfloat16": 2.5}[row.work["dtype"]]
        add(f"{row.name}, {row.cores} core(s): eager float32 / ours", bound, seconds(row, "eager") / seconds(row, "ours"), True)
        add(f"{row.name}, {row.cores} core(s): best {row.work['dtype']} / ours", 1.0,
            seconds(row, "candidate") / seconds(row, "ours"), True)
    for row in find("whole job"):
        add(f"{row.name}: ocs train / bare steps", 1.05, seconds(row, "ours") / seconds(row, "floor"), False)
    for row in find("start-up"):
        add(f"{row.name}: ocs --help / loading libtorch", 1.2, seconds(row, "ours") / seconds(row, "floor"), False)
    return answer


def target_table(reached):
    lines = ["| target | must be | measured | met |", "|---|---|---|---|"]
    for entry in reached:
        lines.append(f"| {entry['target']} | {'≥' if entry['at_least'] else '≤'} {entry['bound']:g} | "
                     f"{entry['measured']:.3g} | {'yes' if entry['met'] else '**no**'} |")
    return lines


def report(bench, about, rows, peaks):
    trained = [row for row in rows if row.work]
    others = [row for row in rows if not row.work]
    load = about["load"]
    lines = ["# Benchmark", "", "Written by `make bench`; do not edit.", "",
             f"- Machine: {about['processor']}, {about['cores']} cores, {', '.join(about['instructions']) or 'no AVX-512'}; "
             f"load {load:.1f} at the start" + (" — **not idle: times and ratios are unreliable**." if load > 0.5 else "."),
             f"- {about['date']}, `{about['program']}`, PyTorch {bench.torch}"
             + ("; `--quick`: shorter and fewer measurements." if bench.quick else "."),
             f"- Medians of {bench.repetitions} repetitions, all contestants alternately; in brackets the smallest and largest "
             "ratio of repetitions paired in time.",
             "- *Best PyTorch* is the fastest of the variants in `bench/baselines.py`: the two fastest of a short trial, and the "
             "fastest in two processes, take part in the repetitions. Each variant reached eager PyTorch's weights, and eager "
             "PyTorch followed this program's.",
             "- PyTorch's data are in memory before the clock starts, as floats in the layout that the variant likes. Both "
             "sides warm up first."]
    if trained:
        lines += ["", "## Training", ""] + training_table(trained)
        notes = [f"- {row.name}, {row.cores} core(s): {note}" for row in trained for note in row.notes]
        lines += [""] + notes if notes else []
    if peaks:
        lines += ["", "## Fraction of the fastest matrix product", "",
                  "Fastest `torch.mm`: " + ", ".join(f"{dtype} {threads} thread{'s' * (threads > 1)} {peak / 1e9:,.0f} GFLOP/s"
                                                    for (dtype, threads), peak in peaks.items())
                  + ". Products and convolutions come from different libraries (MKL, oneDNN): a convolution may exceed it.", ""]
        lines += peak_table([row for row in trained if row.work["work"] == "cnn"], peaks)
    if others:
        lines += ["", "## Whole processes", ""] + process_table(others)
        lines += [""] + [f"- {row.name}: {note}" for row in others for note in row.notes]
    reached = targets(rows)
    if reached:
        lines += ["", "## Targets", ""] + target_table(reached)
    return "\n".join(lines).rstrip() + "\n", reached


def write_at_once(path, text):
    """The file is whole or as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    path = pathlib.Path
    parser.add_argument("--quick", action="store_true", help="3 repetitions of shorter measurements: a look, not a result")
    parser.add_argument("--repetitions", type=int, metavar="N", help="of each measurement (default: 5, quick 3)")
    parser.add_argument("--only", metavar="REGEX", help="only rows whose 'work, N cores' it matches, such as 'CNN.*1 core'")
    parser.add_argument("--python", type=path, metavar="PATH", help=f"an interpreter that has torch {TORCH} and numpy")
    parser.add_argument("--ocs", type=path, default=ROOT / "target" / "release" / "ocs", metavar="PATH", help="the program")
    parser.add_argument("--data-dir", type=path, default=data_folder(), metavar="FOLDER",
                        help="data sets, as for ocs (default: $OCS_DATA, else ocs/data in the user's cache folder)")
    parser.add_argument("--write", type=path, metavar="PATH", help="write the tables there too")
    parser.add_argument("--json", type=path, metavar="PATH", help="write every measured number there")
    arguments = parser.parse_args()
    if arguments.repetitions is not None and arguments.repetitions < 1:
        parser.error("--repetitions must be at least 1")
    arguments.ocs, arguments.data_dir = arguments.ocs.absolute(), arguments.data_dir.absolute()
    # Not resolved: the link is what makes an interpreter that of its environment.
    arguments.python = arguments.python and arguments.python.absolute()
    return arguments


def main():
    arguments = parse_arguments()
    bench = Bench(arguments)
    about = machine()
    about["date"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    about["program"] = bench.run([bench.ocs, "--version"]).stdout.strip()
    if about["cores"] < max(CORES):
        fail(f"rows for {max(CORES)} cores cannot be measured on {about['cores']}")
    if about["load"] > 0.5:
        say(f"warning: load {about['load']:.1f}: other programs run, times and ratios will be unreliable")
    rows, peaks = [], {}

    def write_numbers(reached=None):
        if arguments.json:
            products = [{"dtype": dtype, "threads": threads, "operations_per_second": peak}
                        for (dtype, threads), peak in peaks.items()]
            numbers = {"about": {**about, "torch": bench.torch, "quick": bench.quick}, "rows": [row.as_json() for row in rows],
                       "matrix_products": products, "targets": reached}
            write_at_once(arguments.json, json.dumps(numbers, indent=1) + "\n")

    with tempfile.TemporaryDirectory(prefix="ocs-bench-") as scratch:
        folder = pathlib.Path(scratch)
        for rows_of in (start_up_rows(bench, folder), one_hot_rows(bench), full_batch_rows(bench), convolutional_rows(bench),
                        whole_job_rows(bench, folder)):
            for row in rows_of:
                rows.append(row)
                write_numbers()  # an hour's numbers outlive a failure in its last minute
    if not rows:
        fail(f"--only {arguments.only} matches no row")
    if any(row.work and row.work["work"] == "cnn" for row in rows):
        peaks.update(multiplication_peaks(bench))
    text, reached = report(bench, about, rows, peaks)
    print(text, end="")
    if arguments.write:
        write_at_once(arguments.write, text)
    write_numbers(reached)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        fail("interrupted")
    except OSError as error:
        fail(str(error))
