"""Locks of files that end with the process that holds them."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def held(file: pathlib.Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the lock of a file, which is created; waits while another process holds it.

    Args:
      file: the file.
      waiting: called once, before it waits.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def is_held(file: pathlib.Path) -> bool:
    """Whether another process has locked the file; False if it cannot be opened."""
    try:
        with file.open() as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
