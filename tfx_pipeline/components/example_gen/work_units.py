"""Groups files into units of work."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tfx_pipeline.components.example_gen import ingestion
from tfx_pipeline.storage.layout import is_remote

UNIT_BYTES = 256 << 20
"""Files of up to this size are one unit of work, which writes one file for each split."""


def make_units(files: Mapping[str, list[str]]) -> list[ingestion.Unit]:
    """Groups files into units of up to UNIT_BYTES.

    Args:
      files: by the split that all their rows go to; under "" if their rows are divided.
    """
    groups = [(split, group) for split, paths in files.items() for group in _groups(paths)]
    return [
        ingestion.Unit(number, tuple(group), split) for number, (split, group) in enumerate(groups)
    ]


def _groups(files: list[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    size = 0
    for path in files:
        size += _size(path)
        if size > UNIT_BYTES and groups[-1]:
            groups.append([])
            size = _size(path)
        groups[-1].append(path)
    return groups


def _size(path: str) -> int:
    # The size of a remote file would need a request: each is a unit of its own.
    return UNIT_BYTES if is_remote(path) else os.path.getsize(path)
