"""What a running node says of its progress: the newest message of its log."""

from __future__ import annotations

import os
import pathlib
import re

_MESSAGE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO (.+)$", re.MULTILINE)
"""As `execution.launcher` lets the library and the user's code log."""
_TAIL = 16_384


def newest_message(log: pathlib.Path) -> str:
    """The newest message at the level INFO in the end of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            found = _MESSAGE.findall(file.read().decode("utf-8", "replace"))
    except OSError:
        return ""
    return str(found[-1]) if found else ""
