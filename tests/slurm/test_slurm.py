#!/usr/bin/env python3
"""Runs on a real Slurm, disturbed in every way that clusters have, against the same runs undisturbed on this machine.

usage: test_slurm.py PROGRAM      (`make test-slurm` builds it and calls this)

Each scenario submits the same config to a folder of its own, injects a fault while tasks train, waits for the job that
collects, and compares every record byte for byte with the local one, but for what tells the machine and the time.
"""

import contextlib
import glob
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cluster as slurm  # noqa: E402

# Keys of a record that tell when and where it was made.
OF_THE_MACHINE = {"wall_time", "cores"}

# A linear network by gradient descent, and a perceptron with Adam: some seconds each.
CONFIG = """
name: slow
task: {branching: [2, 2]}
training: {observations: 60}
conditions:
  linear: {network.kind: linear, network.hidden: [8], training.steps: LINEAR, training.learning_rate: 0.02}
  adam: {network.kind: mlp, network.hidden: [16], training.steps: ADAM, training.learning_rate: 0.001, training.optimiser: {adam: {}}}
seeds: [0, 1]
"""
FAILING = """
  diverges: {network.kind: linear, network.hidden: [8], training.steps: 3000, training.learning_rate: 500}
  huge: {network.kind: mlp, network.hidden: [%s], training.steps: 10}
""".lstrip("\n") % ", ".join(["65536"] * 10)
PROFILE = "{time: 10, cpus: 1, memory: 200M}\n"


class Failed(Exception):
    """A check that does not hold."""


def ensure(holds, words):
    if not holds:
        raise Failed(words)


class Scene:
    """What all scenarios share: the program, a cluster, and the undisturbed records."""

    def __init__(self, program, folder, cluster):
        self.program, self.folder, self.cluster = program, folder, cluster
        self.counts = {"injected": 0, "survived": 0, "lost": 0}
        self.counting = threading.Lock()

    def ocs(self, *words, status=0, limit=120):
        """What the program says on stdout; stderr is kept beside it."""
        done = subprocess.run(
            (self.program,) + words, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit
        )
        told = done.stdout.decode() + "\n" + done.stderr.decode()
        ensure(status is None or done.returncode == status, "ocs %s: status %d\n%s" % (words, done.returncode, told))
        return told

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def submit(self, out, profile=PROFILE, config="slow.yaml", more=()):
        """Submits to a folder of a name with a blank and a percent sign, as people have them."""
        self.write(out + ".profile.yaml", profile)
        self.ocs("sweep", config, "--slurm", out + ".profile.yaml", "--out", out, "--stack", "1", *more)
        return Submitted(self, os.path.join(out, "slow"))

    def count(self, **more):
        with self.counting:
            for key, number in more.items():
                self.counts[key] += number


class Submitted:
    """One run folder and its latest submission."""

    def __init__(self, scene, run):
        self.scene, self.run = scene, run

    def path(self, *names):
        return os.path.join(self.scene.folder, self.run, *names)

    def submission(self):
        numbers = [int(name) for name in os.listdir(self.path("slurm")) if name.isdigit()]
        with open(self.path("slurm", str(max(numbers)), "submission.json")) as file:
            return json.load(file)

    def array(self, index=0):
        return self.submission()["jobs"][index]["id"]

    def log(self):
        return "".join(open(name).read() for name in sorted(glob.glob(glob.escape(self.path("slurm")) + "/*/logs/*")))

    def lines(self, words):
        return [line for line in self.log().splitlines() if words in line]

    def status(self, status=None):
        text = self.scene.ocs("slurm", "status", self.run, "--json", status=status)
        return json.loads(text[text.index("{"):text.rindex("}") + 1])

    def until(self, is_so, what, seconds=150):
        deadline = time.time() + seconds
        while not is_so():
            ensure(time.time() < deadline, "%s: not within %d s: %s\n%s\n%s" % (
                self.run, seconds, what, self.scene.cluster.ask("squeue", "-a"), self.log()[-3000:]))
            time.sleep(0.25)

    def until_training(self, count=1):
        self.until(lambda: len(self.lines("INFO training")) >= count, "%d tasks train" % count)
        # Far enough for steps, near enough for none to be done.
        time.sleep(1.0)

    def until_collected(self, seconds=150):
        self.until(lambda: self.lines(" runs are there"), "the last job collects", seconds)

    def ensure_equal(self, to, n_runs=4, only=""):
        """All runs are there, and equal to the undisturbed ones."""
        names = sorted(glob.glob(glob.escape(to) + "/*/[0-9]*.json"))
        names = [name for name in names if only in name and "failed" not in name]
        ensure(len(names) == n_runs, "the local runs are not %d: %s" % (n_runs, names))
        for name in names:
            here = self.path(os.path.relpath(name, to))
            ensure(os.path.exists(here), "lost: %s\n%s" % (here, self.log()[-3000:]))
            one, other = comparable(name), comparable(here)
            differing = [key for key in sorted(set(one) | set(other)) if one.get(key) != other.get(key)]
            ensure(not differing, "%s differs from the undisturbed run in %s" % (here, differing))
        ensure(not glob.glob(glob.escape(self.path()) + "/*/.writing-*"), "half-written files are left")


def comparable(path):
    """A record without what tells the machine; numbers as they are written."""
    with open(path) as file:
        record = json.load(file, parse_float=str, parse_int=str)
    ensure(record["status"] == "complete", "%s is not complete" % path)
    return {key: value for key, value in record.items() if key not in OF_THE_MACHINE}


def undisturbed(scene, local):
    """An array of more tasks than MaxArraySize, in a folder with a blank and a percent sign."""
    run = scene.submit("un disturbed 100%", more=["--seeds", "0..3"])
    jobs = run.submission()["jobs"]
    ensure([job["length"] for job in jobs] == [4, 2, 0], "6 tasks in arrays of at most 4: %s" % jobs)
    again = scene.ocs("sweep", "slow.yaml", "--slurm", "un disturbed 100%.profile.yaml", "--out", "un disturbed 100%", status=2)
    ensure("queued or running (%s" % jobs[0]["id"] in again, "a second submission is refused:\n" + again)
    run.until_collected()
    ensure(run.lines("6 of 6 runs are there"), run.log())
    ensure(run.status(0)["counts"]["complete"] == 6, "status tells all as complete")
    run.ensure_equal(local)
    ensure(os.path.exists(os.path.join(scene.folder, "plots", "slow.svg")), "the last job draws")
    nothing = scene.ocs("slurm", "resubmit", run.run)
    ensure("nothing is to be submitted" in nothing, nothing)
    return 0


def requeued(scene, local):
    """`scontrol requeue` of two tasks in mid-run, the last of the array among them."""
    run = scene.submit("requeued")
    run.until_training(4)
    for task in [0, 3]:
        subprocess.check_call(["scontrol", "requeue", "%s_%d" % (run.array(), task)])
    run.until_collected()
    run.ensure_equal(local)
    ensure(len(run.lines("SLURM_RESTART_COUNT=1")) == 2, "two tasks are restarted, once:\n" + run.log())
    return 2


def limited(scene, local):
    """A task that needs more than its time limit: it hears of it, writes its checkpoint, and requeues itself."""
    run = scene.submit("limited", "{time: 1, cpus: 1, memory: 200M, cells_per_task: 4}\n", "long.yaml", ["--seeds", "0"])
    scene.ocs("train", "long.yaml", "--seeds", "0", "--out", "long", "--stack", "1", "--threads", "1", limit=600)
    run.until_collected(400)
    times = len(run.lines("back into the queue"))
    ensure(times >= 1, "the limit was met at least once:\n" + run.log())
    ensure(len(run.lines("continued from its checkpoint")) >= times, "each life goes on:\n" + run.log())
    run.ensure_equal(os.path.join(scene.folder, "long", "slow"), 1)
    return times


def cancelled(scene, local):
    """`ocs slurm cancel` in mid-run, then `ocs slurm resubmit`."""
    run = scene.submit("cancelled")
    run.until_training(4)
    scene.ocs("slurm", "cancel", run.run)
    run.until(lambda: run.status()["counts"]["lost"] == 4, "all four are told as lost")
    ensure("was cancelled" in run.status(1)["runs"][0]["reason"], str(run.status()))
    collect = scene.ocs("slurm", "collect", run.run, status=1)
    ensure("0 of 4 runs are there" in collect and "resubmit" in collect, collect)
    scene.ocs("slurm", "resubmit", run.run)
    run.until_collected()
    run.ensure_equal(local)
    ensure(len(run.lines("continued from its checkpoint")) >= 1, "resubmitted runs go on:\n" + run.log())
    return 1


def one_fails(scene, local):
    """A cell that diverges and one that cannot fit into memory stop no other, and say why."""
    run = scene.submit("one_fails", config="failing.yaml", profile="{cells_per_task: 4, memory: 200M}\n")
    run.until_collected()
    counts = run.status(1)["counts"]
    ensure((counts["complete"], counts["failed"]) == (2, 4), str(run.status()))
    reasons = " ".join(one["reason"] for one in run.status()["runs"])
    ensure("not finite" in reasons or "diverge" in reasons, reasons)
    ensure("memory" in reasons, reasons)
    ensure(run.lines("4 of 6 runs are there"), "those that diverged have records:\n" + run.log())
    run.ensure_equal(local, 2, only="linear")
    return 2


def node_down(scene, local):
    """A node is set down in mid-run; Slurm requeues its tasks, which go on elsewhere."""
    run = scene.submit("node_down")
    run.until_training(4)
    ours = scene.cluster.ask("squeue", "-h", "-r", "-j", run.array(), "-t", "R", "-o", "%N").split()
    ensure(ours, "tasks run somewhere")
    subprocess.check_call(["scontrol", "update", "NodeName=" + ours[0], "State=DOWN", "Reason=test"])
    time.sleep(3)
    subprocess.check_call(["scontrol", "update", "NodeName=" + ours[0], "State=RESUME"])
    run.until_collected()
    run.ensure_equal(local)
    ensure(run.lines("SLURM_RESTART_COUNT=1"), "its tasks are restarted:\n" + run.log())
    return 1


def preempted(scene, local):
    """An urgent job takes the nodes; tasks write their checkpoints, wait, and go on."""
    run = scene.submit("preempted")
    run.until_training(4)
    subprocess.check_call(["sbatch", "-Q", "-p", "urgent", "-N", "2", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 2"])
    run.until_collected()
    run.ensure_equal(local)
    ensure(run.lines("SLURM_RESTART_COUNT=1"), "tasks were preempted:\n" + run.log())
    return 1


def controller_down(scene, local):
    """slurmctld stops while tasks train: status tells so and what the files say; tasks go on; all is there at the end."""
    run = scene.submit("controller_down")
    run.until_training(4)
    scene.cluster.stop_controller()
    try:
        start = time.time()
        status = run.status()
        ensure(status["slurm"] and "does not answer" in status["slurm"], str(status))
        ensure(len(status["runs"]) == 4 and time.time() - start < 60, "the files' answer comes within a minute")
        refused = scene.ocs("slurm", "cancel", run.run, status=1)
        ensure("does not answer" in refused, refused)
    finally:
        scene.cluster.start_controller()
    run.until_collected()
    run.ensure_equal(local)
    return 1


def by_hand(scene, local):
    """A script that somebody edited and submitted with sbatch is found by its name."""
    run = scene.submit("by_hand", more=["--seeds", "0"])
    scene.ocs("slurm", "cancel", run.run)
    at_an_end = lambda counts: counts["lost"] >= 1 and counts["lost"] + counts["complete"] == 2  # noqa: E731
    run.until(lambda: at_an_end(run.status()["counts"]), "what was cancelled is told as lost")
    script = run.path("slurm", "1", "array.sh")
    text = open(script).read()
    with open(script, "w") as file:
        file.write(text.replace("#SBATCH --mem=200M", "#SBATCH --mem=300M"))
    subprocess.check_call(["sbatch", "-Q", script], cwd=scene.folder, stdout=subprocess.DEVNULL)
    run.until(lambda: run.status()["counts"]["lost"] == 0, "its tasks are found")
    run.until(lambda: run.status()["counts"]["complete"] == 2, "its tasks are done")
    ensure("2 of 2 runs are there" in scene.ocs("slurm", "collect", run.run), "collected")
    run.ensure_equal(local, 2, only="0.json")
    return 1


# Scenarios that disturb others' nodes run alone; the rest at the same time, four tasks each.
ALONE = [controller_down, node_down, preempted]
TOGETHER = [[limited], [undisturbed, one_fails], [requeued, by_hand, cancelled]]


def calibrate(scene):
    """Steps that take this program some seconds here, whatever machine this is."""
    text = CONFIG.replace("LINEAR", "60000").replace("ADAM", "8000")
    scene.write("speed.yaml", text)
    speeds = {}
    # The faster of two tries, by the processor's time if that is less: the machine may be busy with other things now and not later.
    def used():
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime

    for condition, steps in [("linear", 60000), ("adam", 8000)] * 2:
        start, before = time.time(), used()
        scene.ocs("train", "speed.yaml", "--condition", condition, "--seeds", "0", "--out", "speed", "--jobs", "1", "--overwrite")
        speed = steps / max(min(time.time() - start, used() - before) - 0.3, 0.05)
        speeds[condition] = max(speed, speeds.get(condition, 0))
    return speeds


def prepare(scene):
    """Configs, and the undisturbed records of each."""
    speeds = calibrate(scene)
    seconds = {"LINEAR": ("linear", 5), "ADAM": ("adam", 5)}
    slow = CONFIG
    for word, (condition, wanted) in seconds.items():
        slow = slow.replace(word, str(max(int(speeds[condition] * wanted), 1000)))
    scene.write("slow.yaml", slow)
    scene.write("failing.yaml", slow.replace(re.search(r"  adam: .*\n", slow).group(0), FAILING))
    long = slow.replace(re.search(r"  linear: .*\n", slow).group(0), "")
    steps = re.search(r"(adam:.*training.steps: )(\d+)", long)
    long = long.replace(steps.group(0), steps.group(1) + str(int(speeds["adam"] * 60)))
    scene.write("long.yaml", long)
    plain = ["--stack", "1", "--threads", "1", "--device", "cpu"]
    scene.ocs("train", "slow.yaml", "--out", "local", *plain, limit=600)
    return os.path.join(scene.folder, "local", "slow")


def run_scenario(scene, scenario, local, outcomes):
    start = time.time()
    words = scenario.__doc__.strip()
    try:
        faults = scenario(scene, local)
        scene.count(injected=faults, survived=faults)
        outcomes.append((scenario.__name__, None))
        print("ok    %-16s %4.0f s  %s" % (scenario.__name__, time.time() - start, words), flush=True)
    except Exception as error:  # noqa: BLE001: told below, and the others go on
        scene.count(injected=1, lost=1)
        text = str(error) if isinstance(error, Failed) else traceback.format_exc()
        outcomes.append((scenario.__name__, text))
        print("FAIL  %-16s %4.0f s  %s\n%s" % (scenario.__name__, time.time() - start, words, text), flush=True)


def in_row(scene, scenarios, local, outcomes):
    for scenario in scenarios:
        run_scenario(scene, scenario, local, outcomes)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    slurm.install()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    start = time.time()
    outcomes = []
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="ocs-slurm-", dir="/tmp")
        stack.callback(shutil.rmtree, folder, True)
        for name in [name for name in os.environ if name.startswith(("SLURM_", "SBATCH_"))]:
            del os.environ[name]
        os.environ["OCS_SLURM_TIMEOUT"] = "10"
        work = os.path.join(folder, "work")
        os.mkdir(work)
        cluster = stack.enter_context(slurm.Cluster(folder))
        scene = Scene(program, work, cluster)
        local = prepare(scene)
        print("Slurm of 2 nodes is up, undisturbed runs are there: %.0f s" % (time.time() - start), flush=True)
        chosen = lambda scenarios: [one for one in scenarios if not wanted or one.__name__ in wanted]  # noqa: E731
        # The time limit is a minute: what meets it begins first.
        threads = []
        for row in TOGETHER:
            threads.append(threading.Thread(target=in_row, args=(scene, chosen(row), local, outcomes)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        in_row(scene, chosen(ALONE), local, outcomes)
    failed = [name for name, error in outcomes if error]
    print(
        "%d scenarios, %d faults injected, %d survived, %d lost; %.0f s"
        % (len(outcomes), scene.counts["injected"], scene.counts["survived"], scene.counts["lost"], time.time() - start)
    )
    sys.exit("failed: " + ", ".join(failed) if failed else 0)


if __name__ == "__main__":
    main()
