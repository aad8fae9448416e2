"""Makes .venv from a lock file: `python3 scripts/setup_env.py requirements/LOCK.txt`.

`--into FOLDER` before it makes another environment, for tools that must not meet TFX;
`--python 3.12` gives that one another Python.

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

WANTED = "3.10"
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
Python {wanted} is needed{reason} and was not found: not as python{wanted}
on PATH, not in pyenv, and uv could not get it. Install it in one of these ways, then try again:
  pyenv install {wanted}
  uv python install {wanted}
  apt install python{wanted} python{wanted}-venv      (where the distribution has it)"""
REASONS = {"3.10": " (TFX 1.16 runs on no later one)"}
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


def want(version: str) -> None:
    """Lets this script use another Python, for example 3.12."""
    global WANTED
    WANTED = version


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
    """A Python of the wanted version that really runs: from PATH, or one of pyenv's."""
    for candidate in (f"python{WANTED}", "python3", "python", sys.executable, *pyenv_pythons()):
        found = probe(candidate)
        if found:
            return found
    return None


def probe(python: str) -> str | None:
    """The base interpreter of `python`; None unless it has the wanted version and works."""
    return output(python, "-c", PROBE, WANTED)


def pyenv_pythons() -> list[str]:
    """All of pyenv's that fit, newest first, also when none of them is active."""
    versions = (output("pyenv", "versions", "--bare", "--skip-aliases") or "").split()
    fitting = [v for v in versions if v.startswith(f"{WANTED}.") and "/" not in v]
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
    """Lets uv find or download the wanted Python."""
    found = output(uv, "python", "find", "--no-project", WANTED)
    if not (found and probe(found)):
        say(f"downloading Python {WANTED} with uv")
        output(uv, "python", "install", WANTED)
        found = output(uv, "python", "find", "--no-project", WANTED)
    if not (found and probe(found)):
        raise SystemExit(NO_PYTHON.format(wanted=WANTED, reason=REASONS.get(WANTED, "")))
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
    larger = larger_lock(lock)
    locks = [lock] + ([larger] if larger.exists() else [])
    return stamp() in [stamp_for(each) for each in locks]


def larger_lock(lock: pathlib.Path) -> pathlib.Path:
    """The lock for the tests, which has all of the other."""
    return lock.with_name(lock.stem + "-dev.txt")


def lock_to_keep(lock: pathlib.Path) -> pathlib.Path:
    """Who has what the tests need goes on with it when a lock has changed."""
    larger = larger_lock(lock)
    return larger if stamp().get("lock") == larger.name else lock


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
    """Makes the environment; one that is broken, half done or was moved is made anew."""
    works = PYTHON.exists() and probe(str(PYTHON))
    moved = stamp().get("project", str(PROJECT)) != str(PROJECT)
    if UNFINISHED.exists() or moved or not works:
        shutil.rmtree(VENV, ignore_errors=True)
        command = (uv, "venv", "--quiet", "--no-project", "--python", python, str(VENV))
        call(f"making {VENV.name}", *command)


def install(lock: pathlib.Path) -> None:
    """Makes the environment what `lock` says; .venv has the project itself in it as well."""
    lock = lock_to_keep(lock)
    say("this takes a few minutes the first time")
    python = find_python()
    uv = find_uv(python)
    python = python or python_from_uv(uv)
    say(f"Python {WANTED} is {python}")
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
    pythons = {
        **dict.fromkeys((f"tfx-{line}", f"tfx-{line}-dev"), "3.10"),
        **dict.fromkeys(("cluster", "kubeflow", "kubeflow-dev"), "3.10"),
        "airflow": "3.12",
    }
    for name, version in pythons.items():
        files = (f"requirements/{name}.in", "-o", f"requirements/{name}.txt")
        style = ("--quiet", "--no-header", "--annotation-style", "line")
        python = ("--python-version", version)
        call(f"resolving {name}", uv, "pip", "compile", *files, *style, *python, *options)


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
    if args[:1] == ["--python"]:
        want(args[1])
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
