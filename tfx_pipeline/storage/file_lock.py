"""Whether a process holds the lock of a file; its death releases it."""

from __future__ import annotations

import fcntl
import pathlib


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
