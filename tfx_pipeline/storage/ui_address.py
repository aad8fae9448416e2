"""The address of the page over all runs, while one is served: `ui.json` below the root.

The server keeps the file locked. So a file that a killed process has left is told from one that
is in use, whatever process has its id now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit, urlunsplit

from tfx_pipeline.storage import file_lock
from tfx_pipeline.storage.layout import Layout

_FILE = "ui.json"


def path(root: str) -> pathlib.Path:
    """The file of a root; for a remote one, among the files of its local runs."""
    return Layout(root, "_").home.parent / _FILE


@contextlib.contextmanager
def published(root: str, address: str) -> Iterator[bool]:
    """Keeps `address` in the root's file. Yields whether it could.

    It cannot if another page is served for this root, or if the root is not writable.
    The file can be read by this user only, because the address may contain a token.
    """
    file = path(root)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield False
        return
    with os.fdopen(handle, "r+") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        opened.truncate()
        json.dump({"address": address, "pid": os.getpid(), "host": socket.gethostname()}, opened)
        opened.flush()
        try:
            yield True
        finally:
            file.unlink(missing_ok=True)


def find(root: str) -> str | None:
    """The address of the page that is served for a root on this machine; None if there is none."""
    file = path(root)
    if not file_lock.is_held(file):
        return None
    try:
        found = json.loads(file.read_bytes())
        return found["address"] if found["host"] == socket.gethostname() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def of_run(address: str, pipeline: str, run_id: str) -> str:
    """The address of one run's page."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=run_path(pipeline, run_id)))


def run_path(pipeline: str, run_id: str) -> str:
    """The path of one run's page."""
    return f"/runs/{quote(pipeline, safe='')}/{quote(run_id, safe='')}"
