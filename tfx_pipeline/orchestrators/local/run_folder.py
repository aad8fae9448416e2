"""The lock in a run's folder that keeps other processes from the run."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator

from tfx_pipeline import errors
from tfx_pipeline.storage.layout import RunLayout


@contextlib.contextmanager
def locked(files: RunLayout, option: str) -> Iterator[None]:
    """Creates the run's folder and keeps other processes from the run; death releases it.

    Raises:
      ConfigError: another process executes the run.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    with files.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"run {files.folder.name!r} is in progress"
            remedy = "Wait until it has ended, or choose another id."
            raise errors.ConfigError(errors.Problem(option, message, remedy)) from None
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # also for children that have inherited the file
