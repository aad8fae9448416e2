"""Starts the worker process (see `fork_server`) and sends it jobs. Imports no TFX."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
import selectors
import subprocess
import sysconfig
from collections.abc import Sequence
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.orchestrators import worker_process
from tfx_pipeline.storage.layout import package_parent
from tfx_pipeline.user_code import finder

_EXIT_SECONDS = 3 * process_supervisor.GRACE_SECONDS
"""The worker ends its jobs, which have GRACE_SECONDS each, all at the same time."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """How a job ended."""

    id: str
    exit: int
    message: str = ""
    cpu_seconds: float = 0.0
    max_rss_mb: int = 0


class Worker:
    """The worker process as a context manager; its exit ends the process and its jobs.

    Args:
      folder: the project's folder: the working directory and first on the import path.
      log: the file for the worker's own output.
      foreign: whether nodes may run code that imports more than this project's components.
      folders: more folders to find modules in, where the process is a new one.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        log: pathlib.Path,
        foreign: bool = False,
        folders: Sequence[str] = (),
    ) -> None:
        self._folder = str(folder)
        self._log = log
        self._foreign = foreign
        self._folders = folders
        self._ids = itertools.count(1)
        self._buffer = b""
        self._replies: dict[str, Reply] = {}
        self._running: set[str] = set()

    def __enter__(self) -> Worker:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            if self._foreign and worker_process.can_fork():
                streams = worker_process.fork(self._folder, log)
            else:
                path = import_path(self._folder, *self._folders)
                streams = worker_process.start(self._folder, path, log, self._foreign)
        self._process, self._stdin, self._stdout = streams
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._running:  # it may be importing modules that nobody needs any more
            self._process.kill()
        self._stdin.close()
        try:
            self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._selector.close()

    def submit(self, op: str, log: pathlib.Path, **payload: Any) -> str:
        """Sends a job and returns its id."""
        job = str(next(self._ids))
        self._running.add(job)
        self._send({"op": op, "id": job, "log": str(log), **payload})
        return job

    def cancel(self) -> None:
        """Stops all running jobs; their replies still arrive."""
        self._send({"op": "cancel"})

    def run(self, op: str, log: pathlib.Path, **payload: Any) -> Reply:
        """Sends a job and waits for its end.

        Raises:
          ConfigError, PipelineError: the job failed, with its own message.
        """
        job = self.submit(op, log, **payload)
        while (reply := self._replies.pop(job, None)) is None:
            self._replies |= {other.id: other for other in self.poll(None)}
        if reply.exit == errors.EXIT_USAGE:
            raise errors.ConfigError(reply.message)
        if reply.exit != errors.EXIT_OK:
            raise errors.PipelineError(reply.message or f"{op} ended with {reply.exit}; see {log}")
        return reply

    def poll(self, timeout: float | None) -> list[Reply]:
        """Replies that arrive within `timeout` seconds; None waits for at least one.

        Raises:
          PipelineError: the worker process has died.
        """
        if not self._selector.select(timeout):
            return []
        data = os.read(self._stdout.fileno(), 65536)
        if not data:
            raise self._death()
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        messages = [json.loads(line) for line in lines]
        replies = [Reply(**message) for message in messages if "id" in message]
        self._running.difference_update(reply.id for reply in replies)
        return replies

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._stdin.write(json.dumps(message).encode() + b"\n")
            self._stdin.flush()
        except BrokenPipeError as error:
            raise self._death() from error

    def _death(self) -> errors.PipelineError:
        code, last = self._process.wait(), last_line(self._log)
        return errors.PipelineError(
            f"The worker process ended with {code}: {last} (see {self._log})"
        )


def import_path(folder: str, *folders: str) -> str:
    """PYTHONPATH for a child: the project's folders first, then a checkout of this library.

    An installed library is found anyway, and must not precede the standard library.
    """
    inherited = os.environ.get("PYTHONPATH", "")
    own = [*finder.project_folders(folder), *folders]
    return os.pathsep.join(filter(None, [*dict.fromkeys(own), library_path(), inherited]))


def library_path() -> str:
    """The folder of a checkout of this library; empty if the library is installed."""
    checkout = str(package_parent())
    installed = checkout in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    return "" if installed else checkout


def last_line(log: pathlib.Path) -> str:
    """The last line of a log; empty if there is none."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
