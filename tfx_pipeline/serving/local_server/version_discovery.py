"""Which versions of a model there are, and which of them a version policy selects."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable
from typing import Any

from tfx_pipeline.storage import files
from tfx_pipeline.storage.layout import is_remote

_DIGITS = re.compile(r"[0-9]+")
_MAX_VERSION = 2**63 - 1

_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")


@dataclasses.dataclass(frozen=True)
class VersionFolder:
    """The folder of a version.

    Attributes:
      path: its path or URI.
      fingerprint: changes whenever a file in the folder does, or on an object store the
        one that is pushed last; None while the folder contains no SavedModel, for example
        because it is still being copied.
    """

    path: str
    fingerprint: tuple[Any, ...] | None


def find_versions(base_path: str) -> dict[int, VersionFolder] | None:
    """Returns the versions below a base path, or None if it cannot be read."""
    if is_remote(base_path):
        return _find_remote(base_path.rstrip("/"))
    try:
        entries = [entry for entry in os.scandir(base_path) if _is_version(entry.name)]
    except (OSError, ValueError):  # ValueError: the path contains a zero byte
        return None
    return {
        int(entry.name): VersionFolder(entry.path, _fingerprint(entry.path)) for entry in entries
    }


def _is_version(name: str) -> bool:
    return bool(_DIGITS.fullmatch(name)) and int(name) <= _MAX_VERSION


def _find_remote(base_path: str) -> dict[int, VersionFolder] | None:
    try:
        found = files.subfolders(base_path, _SAVED_MODEL_FILES)
    except OSError:
        return None
    return {
        int(name): VersionFolder(f"{base_path}/{name}", (stamp,))
        for name, stamp in found.items()
        if _is_version(name)
    }


def _fingerprint(folder: str) -> tuple[Any, ...] | None:
    if not any(os.path.exists(os.path.join(folder, name)) for name in _SAVED_MODEL_FILES):
        return None
    found = []
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.stat(os.path.join(path, name))
            except OSError:  # removed in between, or not readable
                continue
            found.append((path, name, status.st_size, status.st_mtime_ns))
    return tuple(sorted(found))


def aspired_versions(policy: Any, found: Iterable[int]) -> set[int]:
    """Returns the versions that a ServableVersionPolicy selects; without one, the latest.

    Specific versions are selected whether or not they are found.
    """
    versions = sorted(found, reverse=True)
    if policy.HasField("all"):
        return set(versions)
    if policy.HasField("specific"):
        return set(policy.specific.versions)
    return set(versions[: max(policy.latest.num_versions, 1)])
