"""Refuses files that change while they are read.

The cache would otherwise keep the examples under the fingerprint of other content.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from tfx_pipeline.components.example_gen import image_changes, input_files
from tfx_pipeline.errors import DataRefused, Finding, first_of
from tfx_pipeline.storage.layout import is_remote

_RULE = "changed while it was read"


@contextlib.contextmanager
def refused(files: list[str], exec_properties: Mapping[str, Any]) -> Iterator[None]:
    """Compares the files after the block with the driver's fingerprint.

    Objects of a store are left out: they are replaced as a whole.

    Raises:
      DataRefused: they changed. It comes before what the block raises, which may be a
        consequence.
    """
    before = _states(files)
    try:
        yield
    except Exception:
        _check(before, exec_properties)
        raise
    _check(before, exec_properties)


def _check(before: Mapping[str, Any], exec_properties: Mapping[str, Any]) -> None:
    expected = (exec_properties.get("input_fingerprint") or "").partition(image_changes.START)[0]
    base = exec_properties["input_base"]
    if not expected or is_remote(base):
        return
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties["input_config"], config)
    patterns = [(split.name, split.pattern) for split in config.splits]
    file_format = exec_properties["format"]
    with contextlib.suppress(OSError):
        if input_files.fingerprint_of_all(base, patterns, file_format) == expected:
            return
    files = [path for _, p in patterns for path in input_files.list_files(base, p, file_format)]
    after = _states(files)
    names = sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
    names = names or sorted(before)
    raise DataRefused(
        f"the data cannot be used: {first_of(names, 3)}: {_RULE}. "
        "Run again when the file is complete",
        [Finding(os.path.basename(path), _RULE, path) for path in names[:20]],
    )


def _states(files: list[str]) -> dict[str, tuple[int, int] | None]:
    return {path: _state(path) for path in files}


def _state(path: str) -> tuple[int, int] | None:
    """What a change of a local file changes; None if it is gone."""
    if is_remote(path):
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
