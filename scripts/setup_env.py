"""Makes .venv for the newest line of TFX that this machine can load.

    python3 scripts/setup_env.py tfx        what running needs
    python3 scripts/setup_env.py tfx-dev    what the tests need as well

`TFX_LINE=1.16` or `1.21` in the environment forces a line. `--into FOLDER` and a lock file
make another environment, for tools that must not meet TFX; `--python 3.12` gives that one
another Python.

Runs on any Python from 3.8 with nothing installed. It finds a Python, gets `uv` if there
is none, installs, and leaves a stamp, so that the next call returns at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import platform
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

LINES = {"1.21": ("3.13", "3.12", "3.11"), "1.16": ("3.10",)}
"""The Pythons of each line of TFX, the newest first."""

OLDEST_GLIBC = {"1.21": (2, 39), "1.16": (2, 17)}
"""What the wheels of ML Metadata are built for."""

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
Python {wanted} is needed and was not found: not as python{wanted}
on PATH, not in pyenv, and uv could not get it. Install it in one of these ways, then try again:
  pyenv install {wanted}
  uv python install {wanted}
  apt install python{wanted} python{wanted}-venv      (where the distribution has it)"""
NO_LINE = """\
No line of TFX can be loaded here: {reasons}.
Use a Linux distribution with glibc 2.39 or newer (Debian 13, Ubuntu 24.04) and Python 3.11 to 3.13,
or an older one with Python 3.10, for example from `uv python install 3.10`."""
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


def choose_line() -> tuple[str, str]:
    """The line of TFX and the version of Python for it; says which, and why.

    The newest line that has its glibc and one of its Pythons here; if no line has a Python,
    the newest one whose Python uv can get.
    """
    forced = os.environ.get("TFX_LINE", "")
    if forced and forced not in LINES:
        raise SystemExit(f"TFX_LINE is {forced!r}; it can be {' or '.join(LINES)}.")
    reasons = []
    loadable = []
    for line in [forced] if forced else LINES:
        if glibc_too_old(line):
            needed = ".".join(map(str, OLDEST_GLIBC[line]))
            reasons.append(f"TFX {line} needs glibc {needed}, and this is {libc_name()}")
            continue
        loadable.append(line)
        for version in LINES[line]:
            want(version)
            if find_python():
                return announced(line, version, forced, reasons)
        reasons.append(f"no Python {' or '.join(LINES[line])} for TFX {line} was found")
    for line in loadable:
        want(LINES[line][0])
        return announced(line, WANTED, forced, reasons)
    raise SystemExit(NO_LINE.format(reasons="; ".join(reasons)))


def announced(line: str, version: str, forced: str, reasons: list[str]) -> tuple[str, str]:
    """Prints the choice in one line."""
    why = "TFX_LINE says so" if forced else "; ".join(reasons) or "it is the newest line"
    say(f"TFX {line} on Python {version}: {why}")
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
    return " ".join(libc()).strip() or "no glibc"


def has_line(kind: str) -> bool:
    """Whether .venv holds what is asked for, of the line that is forced or of any one."""
    name = str(stamp().get("lock", ""))
    forced = os.environ.get("TFX_LINE", "")
    fits = name.startswith(f"tfx-{forced}" if forced else "tfx-")
    enough = kind == "tfx" or name.endswith("-dev.txt")
    lock = PROJECT / "requirements" / name
    return fits and enough and lock.is_file() and is_installed(lock)


def lock_of_line(kind: str) -> pathlib.Path:
    """The lock file for `tfx` or `tfx-dev`; its Python becomes the wanted one."""
    line, version = choose_line()
    ending = "-dev" if kind == "tfx-dev" else ""
    return PROJECT / "requirements" / f"tfx-{line}-py{version}{ending}.txt"


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
        raise SystemExit(NO_PYTHON.format(wanted=WANTED))
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


def lock_requirements(options: list[str]) -> None:
    """Resolves the .in files, for both lines of TFX and for other tools, into exact pins."""
    for line, versions in LINES.items():
        for version in versions:
            name = f"tfx-{line}-py{version}"
            resolve("tfx", name, version, options)
            within = ("-c", f"requirements/{name}.txt")
            resolve("dev", f"{name}-dev", version, options, *within)
    within = ("-c", "requirements/tfx-1.16-py3.10.txt")
    resolve("cluster", "cluster", "3.10", options, *within)
    resolve("kubeflow", "kubeflow", "3.10", options)
    resolve("kubeflow-dev", "kubeflow-dev", "3.10", options)
    resolve("airflow", "airflow", "3.12", options)


def resolve(source: str, name: str, version: str, options: list[str], *more: str) -> None:
    """Writes one lock file, with hashes."""
    files = (f"requirements/{source}.in", "-o", f"requirements/{name}.txt", *more)
    style = ("--quiet", "--no-header", "--generate-hashes")
    python = ["--python-version", version]
    if version in LINES["1.21"] and name != "airflow":  # else this machine's glibc would count
        python += ["--python-platform", "x86_64-manylinux_2_39"]
    uv = find_uv(str(PYTHON))
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
        lock_requirements(args[1:])
        return
    if args[:1] == ["--into"]:
        use(args[1])
        args = args[2:]
    if args[:1] == ["--python"]:
        want(args[1])
        args = args[2:]
    own = args[0] in ("tfx", "tfx-dev")
    if own and has_line(args[0]):
        return
    lock = lock_of_line(args[0]) if own else (PROJECT / args[0]).resolve()
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
