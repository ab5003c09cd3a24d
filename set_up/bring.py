"""Bring libtorch, so that `cargo build` and `cargo test` work with no environment variable set.

Usage: ./set-up [--device auto|cpu|cuda]

The libraries come from the PyPI wheel of torch (CPU tree: about 540 MB to download, 490 MB on disk; CUDA tree:
several GB) and are kept outside the checkout, in $OCS_CACHE, or else $XDG_CACHE_HOME/ocs, or else ~/.cache/ocs. The
checkout gets one ignored link, `libtorch`, to which .cargo/config.toml points. Safe to run again, and twice at once:
finished parts are kept, an interrupted download goes on where it stopped, and every file's SHA-256 is checked.

Python 3.6 or newer does it. The index is the one in pip's settings (PIP_INDEX_URL, pip.conf; else pypi.org), with its
password from there or from netrc; where an index does not answer plain HTTPS, pip is asked (20 or newer), with those
settings and none of its others.

A LIBTORCH (a folder with lib/ and include/) or LIBTORCH_USE_PYTORCH=1 of your own is respected: nothing is downloaded
and the link points there.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile

import by_https
import by_pip
import own
import wheels
from checksums import sha256_of
from settings import Settings
from telling import NoWay, Trouble, megabytes, say

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = ROOT / "libtorch"


def cache_folder():
    explicit = os.environ.get("OCS_CACHE")
    if explicit:
        return pathlib.Path(os.path.abspath(os.path.expanduser(explicit)))
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(os.path.abspath(os.path.expanduser(base))) / "ocs"


def wants_cuda(device):
    if device != "auto":
        return device == "cuda"
    if not shutil.which("nvidia-smi"):
        return False
    answer = subprocess.run(["nvidia-smi", "-L"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            universal_newlines=True)
    found = answer.returncode == 0 and "GPU" in answer.stdout
    if found:
        say(f"found {answer.stdout.strip().splitlines()[0]}")
    return found


def check_machine():
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise Trouble(f"no tried libtorch for {platform.system()} {platform.machine()}: set LIBTORCH to an unpacked "
                      f"libtorch {wheels.TORCH} (or LIBTORCH_USE_PYTORCH=1) and run this again")
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "another C library").partition(" ")
    if name != "glibc" or tuple(map(int, version.split(".")[:2])) < (2, 28):
        raise Trouble(f"libtorch {wheels.TORCH} needs glibc 2.28 or newer (Debian 10, Ubuntu 20.04, RHEL 8), here is "
                      f"{name} {version}")


def check_tools():
    """Says what the build will miss, before anything large is downloaded."""
    for program, remedy in (("cargo", "https://rustup.rs brings it"),
                            (os.environ.get("CXX", "c++").split()[0], "Debian, Ubuntu: apt install g++; Fedora, RHEL: "
                             "dnf install gcc-c++")):
        if not shutil.which(program):
            say(f"warning: there is no {program} on PATH, which the build needs: {remedy}")


@contextlib.contextmanager
def alone(cache):
    """Waits until no other set-up works in this cache. Yields a suffix for names of partial files: none, as long as
    the lock makes them ours alone; where the file system has no locks, they carry our number instead.
    """
    with open(cache / "lock", "a") as lock:
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"another set-up is at work in {cache}: waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            say(f"no lock in {cache} ({error}): going on without, an interrupted download will not be gone on with")
            yield f".{os.getpid()}"
            return
        yield ""


def download(wheel, settings, folder, suffix):
    """The wheel's path, once its bytes are the right ones."""
    path = folder / wheel.file
    if path.exists() and sha256_of(path) == wheel.sha256:
        return path
    part = folder / f"{wheel.file}{suffix}.part"
    say(f"downloading {wheel.file}, {megabytes(wheel.size)}")
    reasons = []
    for name, way in (("by HTTPS", by_https), ("by pip", by_pip)):
        try:
            way.fetch(wheel, settings, part)
            break
        except NoWay as reason:
            reasons.append(f"  {name}: {reason}")
            if way is by_https:
                say(f"not {name}: {reason}")
    else:
        raise Trouble("\n".join([f"could not download {wheel.file}:"] + reasons + [
            f"check the network and the index in pip's settings; or put that file into {folder} and run this again; "
            "or set LIBTORCH to a libtorch of your own"]))
    found = sha256_of(part)
    if found != wheel.sha256:
        part.unlink()
        raise Trouble(f"{wheel.file} has SHA-256 {found}, expected {wheel.sha256}; it was deleted: run this again")
    os.replace(part, path)
    return path


def lack(folder, members):
    """What `folder` lacks of a libtorch with these members, or None."""
    reason = own.problem(folder / "torch" / "include", folder / "torch" / "lib")
    absent = [member for member in members if not (folder / member).exists()]
    return reason or (f"there is no {folder / absent[0]}" if absent else None)


def unpack(archives, members, folder):
    """Unpack `members` of all archives beside `folder`, then rename: the folder is whole or absent."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=str(folder.parent)))
    try:
        for archive in archives:
            with zipfile.ZipFile(archive) as file:
                file.extractall(scratch, [name for name in file.namelist() if name.startswith(members)])
        reason = lack(scratch, members)
        if reason:
            raise Trouble(f"the wheels are not what is needed: {reason}")
        os.chmod(scratch, 0o755)
        if folder.exists():  # not whole, or we would not be here
            shutil.rmtree(folder)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_room(folder, needed):
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Trouble(f"{folder} has {megabytes(free)} left, {megabytes(needed)} are needed while unpacking: make "
                      "room, or set OCS_CACHE to a folder on another disk")


def bring(cuda, cache, folder):
    """Download and unpack; the caller holds no lock, and needs none."""
    wanted, members, unpacked = ((wheels.CUDA, wheels.CUDA_MEMBERS, wheels.CUDA_UNPACKED) if cuda else
                                 (wheels.CPU, wheels.CPU_MEMBERS, wheels.CPU_UNPACKED))
    downloads = cache / "downloads"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        with open(cache / "lock", "a"):
            pass
    except OSError as error:
        raise Trouble(f"cannot write to the cache folder {cache}: {error}; set OCS_CACHE to a folder that you may "
                      "write to")
    with alone(cache) as suffix:
        if lack(folder, members) is None:
            return  # another set-up brought it while we waited
        if not suffix:
            for left in list(cache.glob(folder.name + ".*")) + list(downloads.glob("pip.*")):
                shutil.rmtree(left, ignore_errors=True)  # of a set-up that was killed
        missing = sum(wheel.size for wheel in wanted if not (downloads / wheel.file).exists())
        check_room(cache, missing + unpacked)
        say(f"libtorch {wheels.TORCH} ({'CUDA' if cuda else 'CPU'}) goes to {folder}; Python {platform.python_version()} "
            f"({sys.executable})")
        say(f"{len(wanted)} packages, {megabytes(missing)} to download; they are deleted once unpacked")
        check_tools()
        settings = Settings()
        archives = [download(wheel, settings, downloads, suffix) for wheel in wanted]
        unpack(archives, members, folder)
        for archive in archives:
            archive.unlink()
    say(f"libtorch is ready in {folder}")


def wait_for_cargo():
    """A build that runs must not find one libtorch when it compiles and another when it links."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    try:
        lock = open(target / "release" / ".cargo-lock", "a")
    except OSError:
        return  # nothing was built yet
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("cargo is building here: waiting for it, before its libtorch is changed")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks; cargo has none there either


def point_link_at(target):
    """Let the checkout's link name `target`, in one step: whoever looks finds the old one or the new one."""
    if LINK.is_symlink() and os.readlink(LINK) == str(target):
        return
    changes = LINK.is_symlink() or LINK.is_file()
    if LINK.exists() and not changes:
        raise Trouble(f"{LINK} is in the way: move it elsewhere")
    if changes:
        wait_for_cargo()
    fresh = ROOT / f"libtorch.{os.getpid()}"
    fresh.symlink_to(target)
    os.replace(fresh, LINK)
    # Cargo sees the same path and would keep what it compiled against the other tree.
    if changes and shutil.which("cargo"):
        subprocess.run(["cargo", "clean", "--quiet", "--release", "-p", "torch-sys", "-p", "ocs"], cwd=ROOT)


def point_link_at_own(folder, cache):
    holder = cache / "own-libtorch" / hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    holder.mkdir(parents=True, exist_ok=True)
    fresh = holder / f"torch.{os.getpid()}"
    fresh.symlink_to(folder)
    os.replace(fresh, holder / "torch")
    point_link_at(holder)
    say(f"using your own libtorch in {folder}")


def main():
    parser = argparse.ArgumentParser(prog="set-up", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda",
                        help="which libraries: auto takes the CUDA tree if nvidia-smi lists a GPU (default: auto)")
    device = parser.parse_args().device
    if device not in ("auto", "cpu") and device.split(":")[0] != "cuda":
        raise Trouble(f"--device {device}: expected auto, cpu, cuda or cuda:N")

    cache = cache_folder()
    folder = own.find(LINK / "torch")
    if folder is not None:
        point_link_at_own(folder, cache)
        return
    check_machine()
    cuda = wants_cuda(device.split(":")[0])
    folder = cache / f"libtorch-{wheels.TORCH}-{'cuda' if cuda else 'cpu'}"
    reason = lack(folder, wheels.CUDA_MEMBERS if cuda else wheels.CPU_MEMBERS)
    if reason:
        if folder.exists():
            say(f"what lies in the cache is not whole ({reason}): bringing it anew")
        bring(cuda, cache, folder)
    point_link_at(folder)


def command():
    """The exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)  # so that pip and half-unpacked folders end with us
    try:
        main()
    except KeyboardInterrupt:
        say("error: interrupted; run this again to go on")
    except (Trouble, OSError, zipfile.BadZipFile) as error:
        say(f"error: {error}")
    else:
        return 0
    return 1
