"""Finds the data files, and computes the fingerprint of their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import IO, BinaryIO

from tfx.dsl.io import fileio

from tfx_pipeline.config import data_files
from tfx_pipeline.config.data_files import expected_names as expected_names
from tfx_pipeline.storage.layout import is_remote

NO_FILES = "no files"
"""How the fingerprint begins where there is nothing to read; the reason may follow."""

_SPECS = ("{SPAN", "{YYYY}", "{MM}", "{DD}", "{VERSION")
_CHUNK = 1 << 22


def split_pattern(input_base: str) -> tuple[str, str]:
    """Splits a data path into a folder and a pattern below it.

    A path may be a folder, one file, or contain TFX's {SPAN}, {VERSION}, {YYYY}, {MM}
    and {DD} anywhere.
    """
    parts = input_base.rstrip("/").split("/")
    first = next((i for i, part in enumerate(parts) if any(s in part for s in _SPECS)), None)
    if first is None:
        if fileio.exists(input_base) and not fileio.isdir(input_base):
            return os.path.dirname(input_base) or ".", os.path.basename(input_base)
        return input_base, "*"
    pattern = "/".join(parts[first:])
    is_file = parts[-1].endswith(tuple(e for ends in data_files.ENDINGS.values() for e in ends))
    return "/".join(parts[:first]) or ".", pattern if is_file else f"{pattern}/*"


def list_files(base: str, pattern: str, file_format: str) -> list[str]:
    """The data files that match, sorted by name. A file named in full is always one.

    For formats with partitions, also those in folders named `column=value`.
    """
    found = sorted(map(str, fileio.glob(os.path.join(base, pattern))))
    if "*" not in pattern:
        return found
    return sorted(
        path
        for path in _with_partitions(found, file_format)
        if data_files.is_data(os.path.basename(path), file_format) and not fileio.isdir(path)
    )


def _with_partitions(paths: Iterable[str], file_format: str) -> Iterator[str]:
    for path in paths:
        name = os.path.basename(path.rstrip("/"))
        if file_format in data_files.PARTITIONED and "=" in name and fileio.isdir(path):
            below = (os.path.join(path, str(child)) for child in fileio.listdir(path))
            yield from _with_partitions(below, file_format)
        else:
            yield path


def fingerprint(split: str, files: Iterable[str]) -> str:
    """A digest of names, sizes and contents; modification times do not change it."""
    digest = hashlib.sha256()
    count = total = 0
    for path in files:
        size, content = _content_digest(path)
        digest.update(f"{_name(path)}\0{size}\0{content}\n".encode())
        count, total = count + 1, total + size
    return f"split:{split},num_files:{count},total_bytes:{total},sha256:{digest.hexdigest()}"


def _name(path: str) -> str:
    """The file's name, after those of folders that name a column's value."""
    *folders, name = path.split("/")
    return "/".join([*(folder for folder in folders if "=" in folder), name])


def fingerprint_of_all(base: str, patterns: Iterable[tuple[str, str]], file_format: str) -> str:
    """The fingerprints of several sets of files, one a line.

    Args:
      base: the folder below which the patterns are.
      patterns: names, for example of splits, and the patterns of their files.
      file_format: csv, parquet and so on.
    """
    return "\n".join(
        fingerprint(name, list_files(base, pattern, file_format)) for name, pattern in patterns
    )


def digest_of(paths: Iterable[str]) -> str:
    """A digest of the names and contents of files, which may be absent."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            size, content = _content_digest(path)
        except (OSError, ValueError):
            size, content = 0, "absent"
        digest.update(f"{path}\0{size}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _content_digest(path: str) -> tuple[int, str]:
    digest = hashlib.sha256()
    size = 0
    with open_raw(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def open_raw(path: str) -> BinaryIO:
    """Opens a local or remote file for reading bytes."""
    return fileio.open(path, "rb") if is_remote(path) else open(path, "rb")


def is_compressed(path: str) -> bool:
    """Whether `open_plain` decompresses the file: its name ends with .gz or .zst."""
    return path.lower().endswith(data_files.COMPRESSED)


def open_plain(path: str) -> IO[bytes]:
    """Opens a file for reading bytes, decompressed if its name ends with .gz or .zst."""
    return data_files.decompressed(open_raw(path), path)
