#!/usr/bin/env python3
"""Kills `ocs train` at random points (SIGKILL), resumes it until it is complete, and compares what it leaves with what an
undisturbed run leaves: records but for `wall_time`, arrays beside them, weights along training, and every tensor of the last
checkpoints.

    tests/kills/kill.py --ocs target/release/ocs --kills 150 [--seed 1] [--only cnn,mlp]

Prints a line for each kind of run and a sum; ends with status 1 if a byte differs, or a resumed run fails."""

import argparse
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

GLYPHS = "task: {inputs: glyphs, samples: {train: %d, test: 80}}\n"
# Name, config, further arguments. Each takes a few seconds, with checkpoints at nearly every step.
KINDS = [
    ("linear stack", "network: {bias: all, initialisation: {normal: {std: 0.01}}}\n"
     "training: {steps: 20000, learning_rate: 0.02, observations: 40}\nseeds: [0, 1, 2, 3, 4]\n", []),
    ("mlp stack, Adam", GLYPHS % 400 + "network: {kind: mlp, hidden: [16], bias: input}\n"
     "training: {steps: 2500, learning_rate: 0.002, optimiser: adam, batch_size: 32, observations: 40,\n"
     "  checkpoints: best}\nrecord: {responses: each-sample}\nseeds: [0, 1, 2]\n", []),
    ("cnn, momentum, two jobs", GLYPHS % 200 + "network: {kind: cnn, hidden: [4, 4], bias: all}\n"
     "training: {steps: 500, learning_rate: 0.02, optimiser: {sgd: {momentum: 0.9}}, batch_size: 32, observations: 30}\n"
     "seeds: [0, 1, 2]\n", ["--jobs", "2"]),
    ("kernel", GLYPHS % 60 + "network: {kind: mlp, hidden: [32], bias: none}\n"
     "training: {steps: 2000, learning_rate: 0.01, observations: 40}\nkernel: {samples: 40, times: 8}\nseeds: [0, 1]\n", []),
    ("grid of stacks", "network: {bias: all, initialisation: {normal: {std: 0.01}}}\n"
     "training: {steps: 12000, observations: 40}\ngrid: {training.learning_rate: [0.01, 0.02], network.hidden: [[8], [16]]}\n"
     "seeds: [0, 1]\n", ["--jobs", "2"]),
    ("phases, probes", GLYPHS % 200 + "network: {kind: mlp, hidden: [16], bias: input}\n"
     "training: {steps: 1200, learning_rate: 0.05, batch_size: 32, observations: 20, checkpoints: log}\n"
     "probes: [layer-spectra]\nrecord: {responses: each-sample}\n"
     "phases:\n  - {}\n  - {training.learning_rate: 0.02}\nseeds: [0, 1]\n", []),
]

# Of runs, relative to those above.
LENGTH = 1.0


def command(arguments, folder, kind, resumed):
    name, _, further = kind
    config = folder / "run.yaml"
    words = [arguments.ocs, "--quiet", "train", str(config), "--out", str(folder / "runs"), "--checkpoint-every", "0.05"]
    return words + ["--device", "cpu"] + further + (["--resume"] if resumed else [])


def begin(folder, kind):
    folder.mkdir(parents=True)
    steps = re.sub(r"steps: (\d+)", lambda it: "steps: %d" % (int(it.group(1)) * LENGTH), kind[1])
    (folder / "run.yaml").write_text("name: run\n" + steps)


def tensors(path):
    """Every tensor of a safetensors file by name, with its type, shape and bytes; not the record, which holds the wall time."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, start = json.loads(data[8:8 + length]), 8 + length
    found = {}
    for name, it in header.items():
        if name not in ("__metadata__", "record"):
            first, last = it["data_offsets"]
            found[name] = (it["dtype"], it["shape"], data[start + first:start + last])
    return found


def left(folder):
    """What a command left: records without their wall time, tensors of last checkpoints, and what should be gone."""
    runs = folder / "runs" / "run"
    records = {str(path.relative_to(runs)): re.sub(rb'"wall_time":[^,]*,', b"", path.read_bytes())
               for path in runs.glob("*/[0-9]*.json")}
    # Arrays beside records, and weights along training.
    for pattern in ("*/*.npz", "*/*.weights/*.safetensors"):
        records.update((str(path.relative_to(runs)), path.read_bytes()) for path in runs.glob(pattern))
    last = {str(path.relative_to(runs)): tensors(path) for path in runs.glob("*/*.checkpoint/tensors.safetensors")}
    rest = [str(path) for path in runs.rglob("*") if path.name.startswith(".writing-")]
    rest += [str(path) for path in runs.glob(".unfinished/*")] + [str(path) for path in runs.glob("*/.*.rows")]
    return records, last, rest


def kill_once(words, after, log):
    """Whether the process was killed before it ended; its status if it was not."""
    process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return None
    return process.returncode


def trial(arguments, folder, kind, expected, seconds, most):
    """Kills one command up to `most` times, resumes it to its end; (kills, what differs)."""
    begin(folder, kind)
    kills, resumed = 0, False
    with open(folder / "log", "w") as log:
        while True:
            after = random.uniform(0.02, 1.1 * seconds) if kills < most else 600
            status = kill_once(command(arguments, folder, kind, resumed), after, log)
            # Killed before anything was written, there is nothing that --resume would mind.
            resumed = True
            if status is None:
                kills += 1
            elif status != 0:
                return kills, ["ended with status %d: %s" % (status, (folder / "log").read_text()[-600:])]
            else:
                break
    found = left(folder)
    wrong = ["record %s" % name for name in expected[0] if found[0].get(name) != expected[0][name]]
    wrong += ["%s is more" % name for name in found[0] if name not in expected[0]]
    wrong += ["tensors %s" % name for name in expected[1] if found[1].get(name) != expected[1][name]]
    return kills, wrong + ["left behind: %s" % name for name in found[2]]


def of_kind(arguments, base, kind, kills):
    begin(base / "whole", kind)
    start = time.monotonic()
    subprocess.run(command(arguments, base / "whole", kind, False), check=True, stdout=subprocess.DEVNULL)
    seconds, expected = time.monotonic() - start, left(base / "whole")
    done, trials, wrong = 0, 0, []
    while done < kills and trials < 4 * kills + 4:
        trials += 1
        of_trial, bad = trial(arguments, base / ("trial%d" % trials), kind, expected, seconds, min(4, kills - done))
        done += of_trial
        wrong += bad
    runs = sum(name.endswith(".json") for name in expected[0])
    print("%-24s %3d kills in %3d trials of %d runs (%.1f s undisturbed): %s" % (
        kind[0], done, trials, runs, seconds, "all bytes equal" if not wrong else "; ".join(wrong[:5])), flush=True)
    return done, len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ocs", default="target/release/ocs")
    parser.add_argument("--kills", type=int, default=150, help="in all, shared out to the kinds of runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kinds whose names hold one of these words")
    parser.add_argument("--length", type=float, default=1.0, help="of the runs, relative to what is usual")
    arguments = parser.parse_args()
    globals()["LENGTH"] = arguments.length
    random.seed(arguments.seed)
    words = [word for word in arguments.only.split(",") if word]
    kinds = [kind for kind in KINDS if not words or any(word in kind[0] for word in words)]
    share = -(-arguments.kills // len(kinds))
    with tempfile.TemporaryDirectory() as base:
        counts = [of_kind(arguments, pathlib.Path(base) / str(i), kind, share) for i, kind in enumerate(kinds)]
    kills, wrong = (sum(count[i] for count in counts) for i in (0, 1))
    print("%d kills, %d differences" % (kills, wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
