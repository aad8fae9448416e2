"""Which versions of a model are on disk, and which of them a version policy selects."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable
from typing import Any

_DIGITS = re.compile(r"[0-9]+")
_MAX_VERSION = 2**63 - 1

_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")


@dataclasses.dataclass(frozen=True)
class VersionFolder:
    """The folder of a version.

    Attributes:
      path: its path.
      fingerprint: changes whenever a file in the folder does; None while the folder
        contains no SavedModel, for example because it is still being copied.
    """

    path: str
    fingerprint: tuple[Any, ...] | None


def find_versions(base_path: str) -> dict[int, VersionFolder] | None:
    """Returns the versions below a base path, or None if it cannot be read."""
    try:
        entries = [entry for entry in os.scandir(base_path) if _is_version(entry.name)]
    except (OSError, ValueError):  # ValueError: the path contains a zero byte
        return None
    return {
        int(entry.name): VersionFolder(entry.path, _fingerprint(entry.path)) for entry in entries
    }


def _is_version(name: str) -> bool:
    return bool(_DIGITS.fullmatch(name)) and int(name) <= _MAX_VERSION


def _fingerprint(folder: str) -> tuple[Any, ...] | None:
    if not any(os.path.exists(os.path.join(folder, name)) for name in _SAVED_MODEL_FILES):
        return None
    files = []
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.stat(os.path.join(path, name))
            except OSError:  # removed in between, or not readable
                continue
            files.append((path, name, status.st_size, status.st_mtime_ns))
    return tuple(sorted(files))


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
