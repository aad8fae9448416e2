"""Finds the files that a user's DATA stands for, and reads a sample of their bytes."""

from __future__ import annotations

import collections
import dataclasses
import glob
import os
import pathlib

from tfx_pipeline.config import data_files
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.storage.layout import is_remote

WHOLE = 256 << 20
"""Tables up to this size are read as a whole, in bytes; of larger ones a sample is read."""
SAMPLED = 64 << 20
"""About how many bytes of a larger table are read."""
_BLOCKS = 32
_BY_ENDING = {
    ending: name for name, endings in data_files.ENDINGS.items() for ending in endings
} | {".txt": "csv", ".data": "csv", ".dat": "csv", ".tab": "tsv"}


@dataclasses.dataclass(frozen=True)
class FoundData:
    """The files of a table.

    Attributes:
      path: what `data.path` names: one file, or the folder of all files.
      format: the format, by the names of the files.
      files: the files, sorted.
    """

    path: pathlib.Path
    format: str
    files: tuple[pathlib.Path, ...]

    @property
    def size(self) -> int:
        """The size of all files, in bytes."""
        return sum(file.stat().st_size for file in self.files)


def find(data: str) -> FoundData:
    """Finds the files of DATA: a file, a folder or a glob pattern.

    Raises:
      ConfigError: there are none, they have several formats, or a pattern leaves out files of
        its folder.
    """
    if is_remote(data):
        scheme = data.partition("://")[0]
        raise _wrong(f"init cannot read {scheme}:// yet", "Copy a file of the table here")
    place = pathlib.Path(data)
    if place.is_dir():
        return _of_folder(place)
    if place.is_file():
        _ensure_rows(place)
        return FoundData(place, format_of(place.name) or "csv", (place,))
    if glob.has_magic(data):
        return _of_pattern(data)
    parent = place.parent
    names = sorted(p.name for p in parent.iterdir()) if parent.is_dir() else []
    raise _wrong(f"{data} does not exist", did_you_mean(place.name, names))


def _of_folder(folder: pathlib.Path) -> FoundData:
    names = [f for f in _names_below(folder) if not f.startswith((".", "_"))]
    formats = collections.Counter(filter(None, map(format_of, names)))
    if not formats:
        known = "*.csv, *.tsv, *.jsonl, *.parquet, *.orc, *.avro"
        raise _wrong(f"{folder} has no files of rows ({known})", "Name a file, or another folder")
    if len(formats) > 1:
        found = ", ".join(f"{count} {name}" for name, count in formats.most_common())
        raise _wrong(f"{folder} has files of several formats: {found}", "Name one file")
    file_format = next(iter(formats))
    files = tuple(data_files.find(str(folder), file_format))
    if not files:
        raise _wrong(f"{folder} has no files that a run would read", "Name one file")
    for file in files:
        _ensure_rows(file)
    return FoundData(folder, file_format, files)


def _names_below(folder: pathlib.Path) -> list[str]:
    """The names of the files in a folder, and in its folders that are called `column=value`."""
    names = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        is_partition = "=" in entry.name and entry.is_dir()
        names += _names_below(pathlib.Path(entry.path)) if is_partition else [entry.name]
    return names


def _of_pattern(pattern: str) -> FoundData:
    files = sorted(path for path in map(pathlib.Path, glob.glob(pattern)) if path.is_file())
    if not files:
        raise _wrong(f"no file matches {pattern}", "Correct the pattern; quote it in a shell")
    if len(files) == 1:
        return find(str(files[0]))
    folders = {file.parent for file in files}
    found = _of_folder(files[0].parent) if len(folders) == 1 else None
    if found is None or set(found.files) != set(files):
        remedy = "Put the files that belong together into a folder of their own, and name it"
        raise _wrong(f"{pattern} is not all files of one folder", remedy)
    return found


def format_of(name: str) -> str | None:
    """The format that a file's name tells; None if it tells none."""
    lower = name.lower()
    matches = [ending for ending in _BY_ENDING if lower.endswith(ending) and ending != ".gz"]
    if not matches:
        stem, end = os.path.splitext(lower)
        return format_of(stem) if end in data_files.COMPRESSED else None
    return _BY_ENDING[max(matches, key=len)]


def _ensure_rows(file: pathlib.Path) -> None:
    if not file.stat().st_size:
        raise _wrong(f"{file} is empty", "Name a file with a header and rows")


def _wrong(message: str, remedy: str) -> ConfigError:
    return ConfigError(Problem("", message, remedy))


def head(file: pathlib.Path, size: int) -> bytes:
    """The first bytes of a file, decompressed."""
    with open(file, "rb") as raw, data_files.decompressed(raw, file.name) as plain:
        return read_up_to(plain, size)


def read_up_to(file: object, size: int) -> bytes:
    """At most `size` bytes; a compressed stream may give fewer in one call."""
    parts, left = [], size
    while left > 0 and (part := file.read(left)):  # type: ignore[attr-defined]
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def sample(file: pathlib.Path, wanted: int, *, from_start: bool) -> tuple[bytes, list[bytes]]:
    """A sample of a text file.

    Args:
      file: the file.
      wanted: about how many bytes.
      from_start: whether it must be one piece, because lines cannot be told apart within.

    Returns:
      The first bytes, up to a line's end; and pieces of whole lines from all over the file.
    """
    size = file.stat().st_size
    block = wanted // _BLOCKS
    if from_start or file.name.lower().endswith(data_files.COMPRESSED) or size <= wanted:
        data = head(file, wanted + 1)
        if len(data) <= wanted:
            return data, []
        return data[: data.rfind(b"\n") + 1], []
    pieces = []
    with open(file, "rb") as raw:
        first = raw.read(block)
        for index in range(1, _BLOCKS):
            raw.seek(index * (size - block) // (_BLOCKS - 1))
            piece = raw.read(block)
            pieces.append(piece[piece.find(b"\n") + 1 : piece.rfind(b"\n") + 1])
    return first[: first.rfind(b"\n") + 1], pieces
