"""Leaves a tree that runs wherever it is moved: `make install PREFIX=DIR`.

    DIR/bin/ocs      -> ../lib/ocs/BUILD/bin/ocs
    DIR/lib/torch    -> ocs/BUILD/lib/torch      (and lib/nvidia, with CUDA)
    DIR/configs      -> lib/ocs/BUILD/configs
    DIR/share/man/man1/ocs*.1, and what shells complete: DIR/share/{bash-completion,zsh,fish}
    DIR/lib/ocs/BUILD/{bin/ocs, lib/torch/lib, lib/nvidia, configs, README.md, CITATION.cff, manifest.json}

A build is made beside its place, tried, and renamed there; then the links are exchanged one by one, `bin/ocs` last. So there is
no moment at which half a tree runs, and runs that were started with an earlier build keep it: none is removed. Libraries that two
builds have in common are there once, by hard links. The program finds its libraries from where it lies itself
($ORIGIN/../lib/torch/lib), before those that it was linked with.
"""

import argparse
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys

from checksums import sha256_of
from telling import Trouble, megabytes

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINKS = ["lib/torch", "lib/nvidia", "configs", "bin/ocs"]
COMPLETIONS = {
    "bash": "bash-completion/completions/ocs",
    "zsh": "zsh/site-functions/_ocs",
    "fish": "fish/vendor_completions.d/ocs.fish",
}
BESIDE = ["README.md", "CITATION.cff"]


def say(text):
    print("install: " + text, file=sys.stderr, flush=True)


def diagnosis(program, environment=None):
    """What the program says of itself: which libtorch it loads from where."""
    answer = subprocess.run([str(program), "doctor", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    if answer.returncode != 0:
        raise Trouble(f"{program} does not run: {answer.stderr.decode(errors='replace').strip()}")
    found = json.loads(answer.stdout.decode())
    if found["libtorch_problem"]:
        raise Trouble(found["libtorch_problem"])
    return found


def is_library(file):
    return ".so" in file.name and not file.name.startswith("libtorch_python")


def contents(program, libraries):
    """Every file of a build: where it lies in the tree, and where it comes from."""
    files = {"bin/ocs": program}
    for file in sorted(libraries.iterdir()):
        if is_library(file):
            files["lib/torch/lib/" + file.name] = file
    # Where PyTorch's own wheels keep CUDA, which libtorch looks for beside itself.
    nvidia = libraries.parent.parent / "nvidia"
    for file in sorted(nvidia.rglob("*")) if nvidia.is_dir() else []:
        if file.is_file() and is_library(file):
            files["lib/nvidia/" + str(file.relative_to(nvidia))] = file
    for file in sorted((ROOT / "configs").rglob("*.yaml")):
        files["configs/" + str(file.relative_to(ROOT / "configs"))] = file
    for name in BESIDE:
        if (ROOT / name).is_file():
            files[name] = ROOT / name
    return files


def refuse_others(prefix):
    """What stands in the way and was not put there by an installation is never replaced."""
    builds = prefix / "lib/ocs"
    for name in LINKS:
        place = prefix / name
        if not os.path.lexists(str(place)):
            continue
        ours = place.is_symlink() and builds in pathlib.Path(os.path.normpath(str(place.parent / os.readlink(str(place))))).parents
        if not ours:
            raise Trouble(f"{place} is there, and no installation of ocs put it there: choose another PREFIX, or move it away")


def is_same(one, other):
    one, other = os.stat(str(one)), os.stat(str(other))
    return (one.st_size, int(one.st_mtime)) == (other.st_size, int(other.st_mtime))


def put(source, target, earlier, link):
    """Copies a file, or links to a copy of it that is there. Returns the bytes that were copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    others = [earlier] if earlier and earlier.is_file() and is_same(earlier, source) else []
    for other in others + ([source] if link else []):
        try:
            os.link(os.path.realpath(str(other)), str(target))
            return 0
        except OSError:
            pass  # Another file system: it is copied.
    shutil.copy2(str(source), str(target))
    with open(str(target), "rb") as written:
        os.fsync(written.fileno())
    return target.stat().st_size


def exchange(place, target):
    """Makes the link `place` lead to `target`, from one moment to the next."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.parent / f".{place.name}-{os.getpid()}"
    if os.path.lexists(str(beside)):
        beside.unlink()
    beside.symlink_to(os.path.relpath(str(target), str(place.parent)))
    os.replace(str(beside), str(place))


def make_build(place, files, earlier, link):
    """Makes a build beside its place, tries it, and renames it there."""
    missing = sum(file.stat().st_size for name, file in files.items()
                  if not (earlier and (earlier / name).is_file() and is_same(earlier / name, file)))
    free = shutil.disk_usage(str(place.parent)).free
    if missing > free and not link:
        raise Trouble(f"{megabytes(missing)} are to be copied to {place.parent}, where {megabytes(free)} are free")
    new = place.parent / f".new-{os.getpid()}"
    try:
        copied = sum(put(file, new / name, earlier and earlier / name, link) for name, file in files.items())
        manifest = {name: (new / name).stat().st_size for name in files}
        (new / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        loaded = pathlib.Path(diagnosis(new / "bin/ocs", environment={})["libtorch_file"])
        if new.resolve() not in loaded.resolve().parents:
            raise Trouble(f"the installed program would load {loaded}, not its own libtorch")
        os.rename(str(new), str(place))
    finally:
        shutil.rmtree(str(new), ignore_errors=True)
    return copied


def is_whole(build):
    try:
        manifest = json.loads((build / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    return all((build / name).is_file() and (build / name).stat().st_size == size for name, size in manifest.items())


def install(prefix, program, link):
    if not program.is_file():
        raise Trouble(f"there is no {program}: run `make build` first (`make install` does)")
    prefix = pathlib.Path(os.path.abspath(os.path.expanduser(str(prefix))))
    found = diagnosis(program)
    files = contents(program, pathlib.Path(found["libtorch_file"]).parent)
    refuse_others(prefix)
    builds = prefix / "lib/ocs"
    try:
        builds.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"cannot write to {prefix}: {error.strerror}; choose another PREFIX, such as PREFIX=$HOME/ocs")
    with open(str(builds / ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble(f"another installation works in {prefix}: wait for it")
        for left in builds.glob(".new-*"):
            say(f"removing what an interrupted installation left, {left}")
            shutil.rmtree(str(left))
        before = [place for place in builds.iterdir() if place.is_dir()]
        place = builds / f"{found['revision']}-{sha256_of(program)[:12]}"
        if place.is_dir() and not is_whole(place):
            raise Trouble(f"{place} is not as it was installed: remove it and run this again")
        if place.is_dir():
            say(f"{place} is there already")
        else:
            newest = max(before, key=lambda build: build.stat().st_mtime) if before else None
            copied = make_build(place, files, newest, link)
            say(f"made {place}: {len(files)} files, {megabytes(copied)} copied, libtorch {found['libtorch']}")
        for name in LINKS:
            if (place / name).exists():
                exchange(prefix / name, place / name)
            elif os.path.lexists(str(prefix / name)):
                (prefix / name).unlink()
        hand_out_pages(prefix)
    say(f"{prefix / 'bin/ocs'} runs from there, and from wherever {prefix} is moved or copied to (cp -a, rsync -a, tar)")
    for build in before:
        if build != place:
            say(f"an earlier build is kept for runs that use it: rm -r {build}")


def hand_out_pages(prefix):
    """Manual pages and completions, of the program that was put there, where `man` and shells look for them."""
    program, share = str(prefix / "bin/ocs"), prefix / "share"
    subprocess.run([program, "man", "--out", str(share / "man/man1")], stdout=subprocess.DEVNULL, check=True)
    for shell, name in COMPLETIONS.items():
        script = subprocess.run([program, "completions", shell], stdout=subprocess.PIPE, check=True).stdout
        place = share / name
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.parent / f".{place.name}-{os.getpid()}"
        beside.write_bytes(script)
        os.replace(str(beside), str(place))


def command():
    parser = argparse.ArgumentParser(prog="install", description="Leaves a tree that runs wherever it is moved.")
    parser.add_argument("prefix", type=pathlib.Path, help="folder of the tree, such as $HOME/ocs")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/ocs", help="what was built")
    parser.add_argument("--link", action="store_true", help="link files in place of copying them, on one file system")
    arguments = parser.parse_args()
    try:
        install(arguments.prefix, arguments.program.resolve(), arguments.link)
    except Trouble as trouble:
        say(f"error: {trouble}")
        return 1
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(command())
