"""Finds the data files, and computes the fingerprint of their content."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable
from typing import BinaryIO

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
    """The data files that match, sorted by name. A file named in full is always one."""
    found = sorted(map(str, fileio.glob(os.path.join(base, pattern))))
    if "*" not in pattern:
        return found
    return [
        path
        for path in found
        if data_files.is_data(os.path.basename(path), file_format) and not fileio.isdir(path)
    ]


def fingerprint(split: str, files: Iterable[str]) -> str:
    """A digest of names, sizes and contents; modification times do not change it."""
    digest = hashlib.sha256()
    count = total = 0
    for path in files:
        size, content = _content_digest(path)
        digest.update(f"{os.path.basename(path)}\0{size}\0{content}\n".encode())
        count, total = count + 1, total + size
    return f"split:{split},num_files:{count},total_bytes:{total},sha256:{digest.hexdigest()}"


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


def open_plain(path: str) -> BinaryIO | gzip.GzipFile:
    """Opens a file for reading bytes, decompressed if its name ends with .gz."""
    raw = open_raw(path)
    return gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
