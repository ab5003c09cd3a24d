"""A libtorch of the user's own: LIBTORCH, LIBTORCH_INCLUDE and LIBTORCH_LIB, or the torch of a Python
(LIBTORCH_USE_PYTORCH). Looked at before anything is compiled against it.
"""

import os
import pathlib
import re
import subprocess

from telling import Trouble, say
from wheels import TORCH

# Newer and older releases keep it in different places; build.rs reads the same two.
HEADERS = ("torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h")


def version_of(include):
    """The version that the headers in `include` are of, or None if there are none."""
    for header in HEADERS:
        try:
            text = (include / header).read_text(errors="replace")
        except OSError:
            continue
        parts = [re.search(rf"#define TORCH_VERSION_{part}\s+(\d+)", text) for part in ("MAJOR", "MINOR", "PATCH")]
        if all(parts):
            return ".".join(part.group(1) for part in parts)
    return None


def problem(include, lib):
    """Why nothing can be built against these two folders, or None."""
    if not include.is_dir():
        return f"there is no folder {include}"
    version = version_of(include)
    if version is None:
        return f"there is no {include}/{HEADERS[0]}, so these are not libtorch's headers"
    if version != TORCH and "LIBTORCH_BYPASS_VERSION_CHECK" not in os.environ:
        return f"{include} is of version {version}, not of {TORCH}"
    for library in ("libtorch_cpu.so", "libtorch.so", "libc10.so"):
        if not (lib / library).is_file():
            return f"there is no {lib}/{library}"
    return None


def _folder(name):
    """The folder that a variable names. cargo hands it on as it is, so `~` and relative paths would mislead."""
    value = os.environ.get(name)
    if value is None:
        return None
    if not value.startswith("/"):
        raise Trouble(f"{name} is {value!r}: write a path that begins with /, or unset {name}")
    return pathlib.Path(value)


def _of_python():
    python = "python" if "VIRTUAL_ENV" in os.environ else "python3"  # the one that torch-sys will ask
    code = ("import os, torch, torch.utils.cpp_extension; print(torch.__version__); "
            "print(os.path.dirname(torch.__file__))")
    try:
        answer = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                universal_newlines=True)
    except OSError as error:
        raise Trouble(f"LIBTORCH_USE_PYTORCH is set, but {python} cannot be run: {error}")
    remedy = f"{python} -m pip install torch=={TORCH} setuptools, or unset LIBTORCH_USE_PYTORCH"
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Trouble("LIBTORCH_USE_PYTORCH is set, but "
                      f"`{python} -c 'import torch.utils.cpp_extension'` fails ({last}): {remedy}")
    version, folder = answer.stdout.splitlines()[-2:]
    if version.split("+")[0] != TORCH and "LIBTORCH_BYPASS_VERSION_CHECK" not in os.environ:
        raise Trouble(f"LIBTORCH_USE_PYTORCH is set, but {python}'s torch is {version}; {TORCH} is needed: {remedy}")
    return pathlib.Path(folder)


def find(link):
    """The user's own libtorch, checked, or None if set-up is to bring one. `link` is what .cargo/config.toml names."""
    if "LIBTORCH_USE_PYTORCH" in os.environ:
        if os.environ["LIBTORCH_USE_PYTORCH"].lower() in ("", "0", "false", "no", "off"):
            raise Trouble("LIBTORCH_USE_PYTORCH is set, which counts as yes whatever it says: unset it, or set it to 1")
        folder = _of_python()
        include = lib = folder
        name = "LIBTORCH_USE_PYTORCH"
    else:
        folder = _folder("LIBTORCH")
        include, lib = _folder("LIBTORCH_INCLUDE") or folder, _folder("LIBTORCH_LIB") or folder
        if folder and folder.parent.parent.resolve() / folder.parent.name / folder.name == link:
            return None  # set by .cargo/config.toml, when cargo itself called us
        if include is None and lib is None:
            return None
        if folder is None:
            raise Trouble("LIBTORCH_INCLUDE or LIBTORCH_LIB is set, but LIBTORCH is not: set it too, or unset them")
        name = "LIBTORCH"
    reason = problem(include / "include", lib / "lib")
    if reason:
        raise Trouble(f"{name} names {folder}, but {reason}. Point it at an unpacked libtorch {TORCH} (a folder with "
                      f"include/ and lib/), or unset {name}: then this brings one")
    version = version_of(include / "include")
    if version != TORCH:
        say(f"warning: your libtorch is {version}, {TORCH} is needed; LIBTORCH_BYPASS_VERSION_CHECK lets it pass")
    return folder
