"""The process of the fork server: a new one, or a copy of this one that has TFX already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import IO, BinaryIO, NoReturn, Protocol, TextIO

from tfx_pipeline.user_code import finder


class Process(Protocol):
    """What the client needs of a process; `subprocess.Popen` has all of it."""

    pid: int

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end and returns its exit code."""

    def kill(self) -> None:
        """Ends it at once."""


Streams = tuple[Process, IO[bytes], IO[bytes]]
"""A process, and the pipes to its standard input and from its standard output."""


def start(folder: str, path: str, log: BinaryIO, foreign: bool) -> Streams:
    """Starts a new Python process.

    Args:
      folder: its working directory; empty for this one's.
      path: its PYTHONPATH.
      log: the file for its standard error.
      foreign: see `fork_server.serve`.
    """
    options = ["--foreign"] if foreign else []
    process = subprocess.Popen(
        [sys.executable, "-m", "tfx_pipeline.orchestrators.fork_server", *options],
        cwd=folder or None,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # so Ctrl-C reaches only this process, which then cancels
    )
    # Both are pipes, as the arguments above say; mypy does not know.
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    return process, process.stdin, process.stdout


def can_fork() -> bool:
    """Whether a copy of this process would work.

    TFX must be imported already, or a copy has no advantage. Threads are not copied: locks
    that they hold would stay locked, and TensorFlow's runtime would wait for its own.
    """
    if "tfx.orchestration.pipeline" not in sys.modules or threading.active_count() > 1:
        return False
    from tfx_pipeline.compat import tensorflow_state

    return not tensorflow_state.has_started()


def fork(folder: str, log: BinaryIO) -> Streams:
    """Starts the fork server in a copy of this process, with all modules it has imported.

    Args:
      folder: its working directory, and first on its import path; empty for this one's.
      log: the file for its standard error.
    """
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        for source, target in ((in_read, 0), (out_write, 1), (log.fileno(), 2)):
            os.dup2(source, target)
        for end in (in_read, in_write, out_read, out_write):
            os.close(end)
        _serve(folder)
    os.close(in_read)
    os.close(out_write)
    return _Forked(pid), os.fdopen(in_write, "wb"), os.fdopen(out_read, "rb", buffering=0)


def _serve(folder: str) -> NoReturn:
    code = 1
    try:
        os.setsid()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_DFL)
        sys.stdout, sys.stderr = _stream(1), _stream(2)
        if folder:
            os.chdir(folder)
            finder.add_to_import_path(folder)
        from tfx_pipeline.orchestrators import fork_server

        fork_server.serve(foreign=True)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _stream(number: int) -> TextIO:
    """A stream of this process's own: the caller may have replaced Python's, as pytest does."""
    return os.fdopen(number, "w", buffering=1, errors="backslashreplace", closefd=False)


class _Forked:
    """A forked child, with the methods of `subprocess.Popen` that are needed."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end and returns its exit code; negative for a signal.

        Raises:
          subprocess.TimeoutExpired: it has not ended after `timeout` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._code is None:
            pid, status = os.waitpid(self.pid, 0 if deadline is None else os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("fork_server", timeout or 0)
            else:
                time.sleep(0.01)
        return self._code

    def kill(self) -> None:
        """Ends it at once."""
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
