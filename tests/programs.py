"""Programs that the tests start: where they are, and ports for them."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterable


def find(name: str, folders: Iterable[object]) -> str:
    """The path of a program of `make setup-servers`: in these folders, or on PATH."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    assert found, f"{name} is not installed: make setup-servers"
    return found


def free_port() -> int:
    """A port of this machine that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
