"""Runs commands as a user does and takes their time, CPU time and memory."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import threading
import time
from typing import Any

import click
import psutil

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
_PAUSE = 0.5


@dataclasses.dataclass(frozen=True)
class Node:
    """What one node took: wall and CPU seconds."""

    wall: float
    cpu: float


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one command took, imports included.

    Attributes:
      wall, cpu: seconds, of the whole process tree.
      peak: MB at the worst moment: proportional set size of the whole process tree, so
        that pages which processes share count once.
      document: the JSON that it printed; empty where it printed none.
      nodes: by name; empty where the command is no pipeline.
    """

    wall: float
    cpu: float
    peak: float
    document: dict[str, Any]
    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)


def run(command: list[str], folder: pathlib.Path = REPOSITORY, **variables: str) -> Measured:
    """Runs a command to its end.

    Raises:
      ClickException: it failed; the message holds the end of what it said.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env={**environment, **variables}, stdout=out, stderr=err
        )
        with _watched(process.pid) as peak:
            code = process.wait()
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if code:
            err.seek(0)
            raise click.ClickException(f"{' '.join(command)}: {code}\n{err.read()[-3000:]}")
        out.seek(0)
        document = _document(out.read())
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall, cpu, peak[0], document)


def _document(text: str) -> dict[str, Any]:
    """The JSON object that a command printed last, perhaps after a library's own words."""
    start = text.rfind("\n{") + 1 if not text.startswith("{") else 0
    try:
        return json.loads(text[start:])
    except json.JSONDecodeError:
        return {}


@contextlib.contextmanager
def _watched(pid: int):
    """Looks at a process tree's memory now and then; gives a list with the largest MB seen."""
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(_PAUSE):
            peak[0] = max(peak[0], _tree_mb(pid))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _tree_mb(pid: int) -> float:
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total / 1e6
