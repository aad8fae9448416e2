"""Which of the two living lines of TFX is installed."""

from __future__ import annotations

import functools
import importlib.metadata

OLDER, NEWER = "1.16", "1.21"


@functools.cache
def installed() -> str:
    """`major.minor` of the installed TFX; empty where there is none."""
    return minor_version("tfx")


@functools.cache
def minor_version(library: str) -> str:
    """`major.minor` of an installed distribution; empty where there is none."""
    try:
        return ".".join(importlib.metadata.version(library).split(".")[:2])
    except importlib.metadata.PackageNotFoundError:
        return ""
