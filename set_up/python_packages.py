"""Bring the Python packages of a list of requirements into the cache, for tests that need them.

pip does it, into a folder of its own that is named after the list and this Python: nothing is installed beside the
machine's own packages. A folder that is there is complete.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

import by_pip
from bring import cache_folder
from telling import say


def bring(requirements):
    """The folder that holds the packages of this file, to be put first in sys.path."""
    listed = pathlib.Path(requirements).read_bytes()
    python = "%d.%d" % sys.version_info[:2]
    name = "%s-%s" % (python, hashlib.sha256(listed + sys.platform.encode()).hexdigest()[:12])
    folder = cache_folder() / "python" / name
    if folder.is_dir():
        return folder
    pip, _ = by_pip.find(os.environ)
    folder.parent.mkdir(parents=True, exist_ok=True)
    say("bringing the Python packages of %s to %s" % (requirements, folder))
    with tempfile.TemporaryDirectory(dir=str(folder.parent)) as beside:
        packages = pathlib.Path(beside) / "packages"
        subprocess.run(pip + ["install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location",
                              "--target", str(packages), "--requirement", str(requirements)],
                       check=True, env=dict(os.environ, PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0"))
        try:
            packages.rename(folder)
        except OSError:
            # Another set-up was faster.
            if not folder.is_dir():
                raise
    return folder
