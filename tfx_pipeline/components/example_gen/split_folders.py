"""Data that lies in a folder for each split: `train/`, `eval/`, `test/`."""

from __future__ import annotations

from collections.abc import Iterable

FOLDERS = "folders"
"""The kind of the rule."""


def patterns(pattern: str, names: Iterable[str]) -> dict[str, str]:
    """The pattern of each split's files: `2024/*` becomes `2024/train/*`.

    Args:
      pattern: of all files, as `input_files.split_pattern` returns it.
      names: of the splits.
    """
    folder, _, files = pattern.rpartition("/")
    return {name: "/".join(filter(None, [folder, name, files])) for name in names}
