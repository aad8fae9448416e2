"""Chooses the line of TFX: the newest one that this machine can load.

Runs on any Python from 3.8 with nothing installed.
"""

from __future__ import annotations

import os
import platform
import sys

from scripts import pythons

LINES = {"1.21": ("3.13", "3.12", "3.11"), "1.16": ("3.10",)}
"""The Pythons of each line of TFX, the newest first."""

OLDEST_GLIBC = {"1.21": (2, 39), "1.16": (2, 17)}
"""What the wheels of ML Metadata are built for."""

NO_LINE = """\
No line of TFX can be loaded here: {reasons}.
Use a Linux distribution with glibc 2.39 or newer (Debian 13, Ubuntu 24.04) and Python 3.11 to 3.13,
or an older one with Python 3.10, for example from `uv python install 3.10`."""


def forced() -> str:
    """The line that the variable TFX_LINE names; empty without it."""
    line = os.environ.get("TFX_LINE", "")
    if line and line not in LINES:
        raise SystemExit(f"TFX_LINE is {line!r}; it can be {' or '.join(LINES)}.")
    return line


def choose() -> tuple[str, str]:
    """The line and the version of Python for it; says which, and why.

    The newest line that has its glibc and one of its Pythons here; if no line has a Python,
    the newest one whose Python uv can get.
    """
    only = forced()
    reasons = []
    loadable = []
    for line in [only] if only else LINES:
        if glibc_too_old(line):
            needed = ".".join(map(str, OLDEST_GLIBC[line]))
            reasons.append(f"TFX {line} needs glibc {needed}, and this is {libc_name()}")
            continue
        loadable.append(line)
        for version in LINES[line]:
            if pythons.find_python(version):
                return announced(line, version, reasons)
        reasons.append(f"no Python {' or '.join(LINES[line])} for TFX {line} was found")
    for line in loadable:
        return announced(line, LINES[line][0], reasons)
    raise SystemExit(NO_LINE.format(reasons="; ".join(reasons)))


def announced(line: str, version: str, reasons: list[str]) -> tuple[str, str]:
    """Prints the choice in one line."""
    why = "TFX_LINE says so" if forced() else "; ".join(reasons) or "it is the newest line"
    pythons.say(f"TFX {line} on Python {version}: {why}")
    return line, version


def glibc_too_old(line: str) -> bool:
    """Whether this machine cannot load the line's wheels; elsewhere than on Linux, it can."""
    name, version = libc()
    if not sys.platform.startswith("linux"):
        return False
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return name != "glibc" or numbers < OLDEST_GLIBC[line]


def libc() -> tuple[str, str]:
    """The C library's name and version; musl has no version that can be asked for."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):
        name, version = platform.libc_ver()
    return name, version


def libc_name() -> str:
    """The C library for a message."""
    return " ".join(libc()).strip() or "no glibc"
