"""Makes .venv from a lock file: `python3 scripts/setup_env.py requirements/LOCK.txt`.

`--into FOLDER` before it makes another environment, for tools that must not meet TFX.

Runs on any Python from 3.8 with nothing installed. It finds Python 3.10, gets `uv`
if there is none, installs, and leaves a stamp, so that the next call returns at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed.json"
UNFINISHED = VENV / ".unfinished"
TOOLS = PROJECT / ".tools"

WANTED = (3, 10)
UV_VERSION = "0.13.9"
PROBE = (
    "import sys, bz2, ctypes, sqlite3, ssl, zlib; "
    f"assert sys.version_info[:2] == {WANTED}; "
    "print(getattr(sys, '_base_executable', sys.executable))"
)
NO_PYTHON = """\
Python 3.10 is needed (TFX 1.16 runs on no later one) and was not found: not as python3.10
on PATH, not in pyenv, and uv could not get it. Install it in one of these ways, then try again:
  pyenv install 3.10
  uv python install 3.10
  apt install python3.10 python3.10-venv      (Ubuntu 22.04)"""
NO_UV = """\
The installer uv is needed and could not be installed with pip. Install it yourself, then try again:
  apt install python3-venv python3-pip, or see https://docs.astral.sh/uv/"""


def use(folder: str) -> None:
    """Lets this script make the environment `folder` in place of .venv."""
    global VENV, PYTHON, STAMP, UNFINISHED
    VENV = PROJECT / folder
    PYTHON = VENV / "bin" / "python"
    STAMP = VENV / ".installed.json"
    UNFINISHED = VENV / ".unfinished"


def say(text: str) -> None:
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def output(*command: str) -> str | None:
    """What a command prints; None when it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def find_python() -> str | None:
    """A Python 3.10 that really runs: from PATH, or one of pyenv's."""
    for candidate in ("python3.10", "python3", "python", sys.executable, *pyenv_pythons()):
        found = output(candidate, "-c", PROBE)
        if found:
            return found
    return None


def pyenv_pythons() -> list[str]:
    """All of pyenv's 3.10, newest first, also when none of them is active."""
    versions = (output("pyenv", "versions", "--bare", "--skip-aliases") or "").split()
    fitting = [v for v in versions if v.startswith("3.10.") and "/" not in v]
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


def python_from_uv(uv: str) -> str:
    """Lets uv find or download Python 3.10."""
    found = output(uv, "python", "find", "--no-project", "3.10")
    if not (found and output(found, "-c", PROBE)):
        say("downloading Python 3.10 with uv")
        output(uv, "python", "install", "3.10")
        found = output(uv, "python", "find", "--no-project", "3.10")
    if not (found and output(found, "-c", PROBE)):
        raise SystemExit(NO_PYTHON)
    return found


def stamp_for(lock: pathlib.Path) -> dict[str, str]:
    """Changes when the lock or the package's description does, or the project is moved."""
    content = lock.read_bytes() + (PROJECT / "setup.py").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"lock": lock.name, "digest": digest, "project": str(PROJECT)}


def stamp() -> dict[str, str]:
    """What .venv was last made from; empty when nobody knows."""
    try:
        content = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def is_installed(lock: pathlib.Path) -> bool:
    """Whether .venv has what `lock` says; the lock for the tests has all of the other."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    larger = lock.with_name(lock.stem + "-dev.txt")
    locks = [lock] + ([larger] if larger.exists() else [])
    return stamp() in [stamp_for(each) for each in locks]


def call(what: str, *command: str) -> None:
    """Runs a step, showing its output, and says how long it took."""
    say(f"{what} ...")
    start = time.monotonic()
    done = subprocess.run(command, cwd=PROJECT, check=False)
    if done.returncode:
        raise SystemExit(f"set-up: failed: {' '.join(command)}")
    say(f"{what}: {time.monotonic() - start:.0f} s")


def quietly() -> list[str]:
    """uv shows its progress on a terminal; elsewhere it would only list 255 packages."""
    return [] if sys.stderr.isatty() else ["--quiet"]


def ensure_venv(uv: str, python: str) -> None:
    """Makes .venv; one that is broken, half done or was moved is made anew."""
    works = PYTHON.exists() and output(str(PYTHON), "-c", PROBE)
    moved = stamp().get("project", str(PROJECT)) != str(PROJECT)
    if UNFINISHED.exists() or moved or not works:
        shutil.rmtree(VENV, ignore_errors=True)
        call(
            f"making {VENV.name}",
            uv,
            "venv",
            "--quiet",
            "--no-project",
            "--python",
            python,
            str(VENV),
        )


def install(lock: pathlib.Path) -> None:
    """Makes the environment what `lock` says; .venv has the project itself in it as well."""
    say("this takes a few minutes the first time")
    python = find_python()
    uv = find_uv(python)
    python = python or python_from_uv(uv)
    say(f"Python 3.10 is {python}")
    ensure_venv(uv, python)
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    target = ("--python", str(PYTHON))
    sync = ("pip", "sync", *target, "--compile-bytecode", *quietly(), str(lock))
    call(f"installing {lock.name}", uv, *sync)
    if VENV.name == ".venv":
        own = ("--no-deps", "--no-build-isolation", "-e", str(PROJECT))
        call("installing tfx-pipeline", uv, "pip", "install", "--quiet", *target, *own)
    STAMP.write_text(json.dumps(stamp_for(lock)))
    UNFINISHED.unlink()


def lock_requirements(line: str, options: list[str]) -> None:
    """Resolves the .in files of one line of TFX, and those of other tools, into exact pins."""
    uv = find_uv(str(PYTHON))
    for name in (f"tfx-{line}", f"tfx-{line}-dev", "cluster", "kubeflow", "kubeflow-dev"):
        files = (f"requirements/{name}.in", "-o", f"requirements/{name}.txt")
        style = ("--quiet", "--no-header", "--annotation-style", "line", "--python-version", "3.10")
        call(f"resolving {name}", uv, "pip", "compile", *files, *style, *options)


@contextlib.contextmanager
def alone():
    """Two set-ups at the same time wait for each other."""
    folder = os.open(PROJECT / "requirements", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def main(args: list[str]) -> None:
    if args[:1] == ["--lock"]:
        lock_requirements(args[1], args[2:])
        return
    if args[:1] == ["--into"]:
        use(args[1])
        args = args[2:]
    lock = (PROJECT / args[0]).resolve()
    if is_installed(lock):
        return
    with alone():
        if not is_installed(lock):
            install(lock)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        say("interrupted; call it again to finish")
        sys.exit(130)
