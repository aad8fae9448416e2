"""Makes .venv for the newest line of TFX that this machine can load.

    sh scripts/setup.sh tfx        what running needs
    sh scripts/setup.sh tfx-dev    what the tests need as well

`TFX_LINE=1.16` or `1.21` in the environment forces a line. `--into FOLDER` and a lock file
make another environment, for tools that must not meet TFX, with any Python that is there.

Runs on any Python from 3.8 with nothing installed. It finds a Python, gets `uv` if there
is none, installs, and leaves a stamp, so that the next call returns at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from scripts import pythons, tfx_line

PROJECT = pythons.PROJECT
FOR_TOOLS = ("3.12", "3.13", "3.11", "3.10")
"""The Pythons for which the locks of other tools are resolved, the first choice first."""


@dataclasses.dataclass(frozen=True)
class Environment:
    """A virtual environment that is made from a lock file.

    Attributes:
      folder: of the environment.
      version: of its Python, `major.minor`.
    """

    folder: pathlib.Path
    version: str = FOR_TOOLS[0]

    @property
    def python(self) -> pathlib.Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp_file(self) -> pathlib.Path:
        """Says what it was made from."""
        return self.folder / ".installed.json"

    @property
    def unfinished(self) -> pathlib.Path:
        """Is there while an installation is going on."""
        return self.folder / ".unfinished"

    def stamp(self) -> dict[str, str]:
        """What it was last made from; empty when nobody knows."""
        try:
            content = json.loads(self.stamp_file.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def has(self, lock: pathlib.Path) -> bool:
        """Whether it has what `lock` says; the lock for the tests has all of the other."""
        if self.unfinished.exists() or not self.python.exists():
            return False
        larger = larger_lock(lock)
        locks = [lock] + ([larger] if larger.exists() else [])
        return self.stamp() in [stamp_for(each) for each in locks]

    def has_line(self, kind: str) -> bool:
        """Whether it holds `tfx` or `tfx-dev`, of the line that is forced or of any one."""
        name = str(self.stamp().get("lock", ""))
        line = tfx_line.forced()
        fits = name.startswith(f"tfx-{line}" if line else "tfx-")
        enough = kind == "tfx" or name.endswith("-dev.txt")
        lock = PROJECT / "requirements" / name
        return fits and enough and lock.is_file() and self.has(lock)

    def lock_to_keep(self, lock: pathlib.Path) -> pathlib.Path:
        """Who has what the tests need keeps it when a lock has changed."""
        larger = larger_lock(lock)
        return larger if self.stamp().get("lock") == larger.name else lock


def lock_of_line(kind: str) -> tuple[pathlib.Path, str]:
    """The lock file for `tfx` or `tfx-dev`, and the version of Python for it."""
    line, version = tfx_line.choose()
    ending = "-dev" if kind == "tfx-dev" else ""
    return PROJECT / "requirements" / f"tfx-{line}-py{version}{ending}.txt", version


def stamp_for(lock: pathlib.Path) -> dict[str, str]:
    """Changes when the lock or the package's description does, or the project is moved."""
    content = lock.read_bytes() + (PROJECT / "setup.py").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"lock": lock.name, "digest": digest, "project": str(PROJECT)}


def larger_lock(lock: pathlib.Path) -> pathlib.Path:
    """The lock for the tests, which has all of the other."""
    return lock.with_name(lock.stem + "-dev.txt")


def call(what: str, *command: str) -> None:
    """Runs a step, showing its output, and says how long it took."""
    pythons.say(f"{what} ...")
    start = time.monotonic()
    done = subprocess.run(command, cwd=PROJECT, check=False)
    if done.returncode:
        raise SystemExit(f"set-up: failed: {' '.join(command)}")
    pythons.say(f"{what}: {time.monotonic() - start:.0f} s")


def quietly() -> list[str]:
    """uv shows its progress on a terminal; elsewhere it would only list 255 packages."""
    return [] if sys.stderr.isatty() else ["--quiet"]


def make_folder(environment: Environment, uv: str, python: str) -> None:
    """Makes the environment; one that is broken, half done or was moved is made anew."""
    found = environment.python
    works = found.exists() and pythons.probe(str(found), environment.version)
    moved = environment.stamp().get("project", str(PROJECT)) != str(PROJECT)
    if environment.unfinished.exists() or moved or not works:
        shutil.rmtree(environment.folder, ignore_errors=True)
        folder = str(environment.folder)
        command = (uv, "venv", "--quiet", "--no-project", "--python", python, folder)
        call(f"making {environment.folder.name}", *command)


def install(environment: Environment, lock: pathlib.Path) -> None:
    """Makes the environment what `lock` says; .venv has the project itself in it as well."""
    lock = environment.lock_to_keep(lock)
    version = environment.version
    pythons.say("this takes a few minutes the first time")
    python = pythons.find_python(version)
    uv = pythons.find_uv(python)
    python = python or pythons.python_from_uv(uv, version)
    pythons.say(f"Python {version} is {python}")
    make_folder(environment, uv, python)
    environment.unfinished.touch()
    environment.stamp_file.unlink(missing_ok=True)
    target = ("--python", str(environment.python))
    sync = ("pip", "sync", *target, "--compile-bytecode", *quietly(), str(lock))
    call(f"installing {lock.name}", uv, *sync)
    if environment.folder.name == ".venv":
        own = ("--no-deps", "--no-build-isolation", "-e", str(PROJECT))
        call("installing tfx-pipeline", uv, "pip", "install", "--quiet", *target, *own)
    environment.stamp_file.write_text(json.dumps(stamp_for(lock)))
    environment.unfinished.unlink()


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
    folder = PROJECT / ".venv"
    if args[:1] == ["--into"]:
        folder, args = PROJECT / args[1], args[2:]
    if args[0] in ("tfx", "tfx-dev"):
        if Environment(folder).has_line(args[0]):
            return
        lock, version = lock_of_line(args[0])
    else:
        lock = (PROJECT / args[0]).resolve()
        if Environment(folder).has(lock):
            return
        version = pythons.first_found(FOR_TOOLS)
    environment = Environment(folder, version)
    with alone():
        if not environment.has(lock):
            install(environment, lock)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        pythons.say("interrupted; call it again to finish")
        sys.exit(130)
