"""Programs that tests need and a machine may lack, brought by apt."""

import os
import shutil
import subprocess
import sys


def install(test, packages, missing):
    """Installs `packages` where `missing()` lists something; ends this program with the reason where that cannot be done."""
    lacking = missing()
    if not lacking:
        return
    by_hand = "install %s, then try again (missing: %s)" % (", ".join(packages), ", ".join(lacking))
    if shutil.which("apt-get") is None:
        sys.exit("%s: there is no apt-get here: %s" % (test, by_hand))
    sudo = []
    if os.geteuid() != 0:
        sudo = ["sudo", "-n"]
        if shutil.which("sudo") is None or subprocess.call(sudo + ["true"], stderr=subprocess.DEVNULL) != 0:
            sys.exit("%s: neither root nor sudo without a password: %s" % (test, by_hand))
    print("%s: apt-get install" % test, *packages, flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": dict(os.environ, DEBIAN_FRONTEND="noninteractive")}
    command = sudo + ["apt-get", "install", "-y", "--no-install-recommends"] + packages
    if subprocess.call(command, **quiet) != 0:
        subprocess.call(sudo + ["apt-get", "update"], **quiet)
        if subprocess.call(command, **quiet) != 0:
            sys.exit("%s: apt-get could not install them: %s" % (test, by_hand))
    if missing():
        sys.exit("%s: still missing: %s" % (test, ", ".join(missing())))
