"""What set-up says, and how: to stderr, in plain words, never with a password."""

import re
import sys


class Trouble(Exception):
    """Set-up cannot go on; the text says why and what to do."""


class NoWay(Exception):
    """One way to a file does not lead there; another may."""


def without_passwords(text):
    """`text` with whatever stands before an @ in an address taken out: names, passwords, tokens."""
    return re.sub(r"//\S*@", "//", str(text))


def say(text):
    print("set-up: " + without_passwords(text), file=sys.stderr, flush=True)


def megabytes(size):
    return f"{size / 1e6:,.0f} MB"
