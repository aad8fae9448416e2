"""Finds Pythons and the installer uv. Runs on any Python from 3.8 with nothing installed."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = PROJECT / ".tools"
UV_VERSION = "0.13.9"

# Prints the interpreter behind a virtual environment, since .venv may be made anew from it.
PROBE = """
import sys, bz2, ctypes, sqlite3, ssl, zlib
version = '%d.%d' % sys.version_info[:2]
assert version == sys.argv[1]
inside = sys.prefix != sys.base_prefix
print(sys.base_prefix + '/bin/python' + version if inside else sys.executable)
"""
NO_PYTHON = """\
Python {wanted} is needed and was not found: not as python{wanted}
on PATH, not in pyenv, and uv could not get it. Install it in one of these ways, then try again:
  pyenv install {wanted}
  uv python install {wanted}
  apt install python{wanted} python{wanted}-venv      (where the distribution has it)"""
NO_UV = """\
The installer uv is needed and could not be installed with pip. Install it yourself, then try again:
  apt install python3-venv python3-pip, or see https://docs.astral.sh/uv/"""


def say(text: str) -> None:
    """Writes a line for the user."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def output(*command: str) -> str | None:
    """What a command prints; None when it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def find_python(version: str) -> str | None:
    """A Python of this version that really runs: from PATH, or one of pyenv's."""
    candidates = (f"python{version}", "python3", "python", sys.executable)
    for candidate in (*candidates, *pyenv_pythons(version)):
        found = probe(candidate, version)
        if found:
            return found
    return None


def first_found(versions: tuple[str, ...]) -> str:
    """The first version that there is a Python of; without any, the first one."""
    return next((version for version in versions if find_python(version)), versions[0])


def probe(python: str, version: str) -> str | None:
    """The base interpreter of `python`; None unless it has the version and works."""
    return output(python, "-c", PROBE, version)


def pyenv_pythons(version: str) -> list[str]:
    """All of pyenv's that fit, newest first, also when none of them is active."""
    versions = (output("pyenv", "versions", "--bare", "--skip-aliases") or "").split()
    fitting = [v for v in versions if v.startswith(f"{version}.") and "/" not in v]
    fitting.sort(key=lambda v: [int(n) if n.isdigit() else 0 for n in v.split(".")], reverse=True)
    prefixes = (output("pyenv", "prefix", version) for version in fitting)
    return [f"{prefix}/bin/python" for prefix in prefixes if prefix]


def find_uv(python: str | None) -> str:
    """uv from PATH, or one of our own in .tools."""
    for candidate in ("uv", str(TOOLS / "bin" / "uv")):
        if output(candidate, "--version"):
            return candidate
    say(f"installing uv {UV_VERSION} into .tools")
    for base in filter(None, (python, sys.executable)):
        if install_uv(base):
            return str(TOOLS / "bin" / "uv")
    raise SystemExit(NO_UV)


def install_uv(python: str) -> bool:
    """Installs uv into .tools with pip; Debian's Python may have pip and no venv."""
    shutil.rmtree(TOOLS, ignore_errors=True)
    wanted = f"uv=={UV_VERSION}"
    if output(python, "-m", "venv", str(TOOLS)) is not None:
        output(str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", wanted)
    else:
        shutil.rmtree(TOOLS, ignore_errors=True)
        output(python, "-m", "pip", "install", "--quiet", "--target", str(TOOLS), wanted)
    return output(str(TOOLS / "bin" / "uv"), "--version") is not None


def python_from_uv(uv: str, version: str) -> str:
    """Lets uv find or download a Python of this version."""
    found = output(uv, "python", "find", "--no-project", version)
    if not (found and probe(found, version)):
        say(f"downloading Python {version} with uv")
        output(uv, "python", "install", version)
        found = output(uv, "python", "find", "--no-project", version)
    if not (found and probe(found, version)):
        raise SystemExit(NO_PYTHON.format(wanted=version))
    return found
