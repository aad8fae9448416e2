"""Small files and their folders, on this machine or on an object store, by the same functions.

For `s3://` boto3 does the work, so that the command line and clients need no TensorFlow. Other
remote schemes use TFX's file systems, which import it. A file on an object store is written as a
whole: a reader gets the old content or the new one, as on a local disk.
"""

from __future__ import annotations

import errno
import functools
import os
import pathlib
from collections.abc import Hashable, Iterable
from typing import Any

from tfx_pipeline.errors import MissingExtra
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import is_remote
from tfx_pipeline.storage.object_store import is_s3

_S3 = "s3://"
_NOT_FOUND = {"404", "NoSuchKey", "NotFound"}


def absolute(path: str | os.PathLike[str]) -> str:
    """The absolute path; that of a remote folder has no slash at its end."""
    text = os.fspath(path)
    return text.rstrip("/") if is_remote(text) else os.path.abspath(text)


def read(path: str | os.PathLike[str]) -> bytes:
    """The content of a file.

    Raises:
      FileNotFoundError: there is no such file.
      OSError: it cannot be read.
      MissingExtra: what its scheme needs is not installed.
    """
    text = os.fspath(path)
    if not is_remote(text):
        return pathlib.Path(text).read_bytes()
    return _s3_read(text) if is_s3(text) else _tfx_read(text)


def write(path: str | os.PathLike[str], content: str) -> None:
    """Writes a file as a whole.

    Raises:
      OSError: it cannot be written; its content is unchanged.
      MissingExtra: what its scheme needs is not installed.
    """
    text = os.fspath(path)
    if not is_remote(text):
        write_atomically(pathlib.Path(text), content)
    elif is_s3(text):
        _s3_write(text, content.encode())
    else:
        _tfx_write(text, content.encode())


def subfolders(folder: str, names: Iterable[str]) -> dict[str, Hashable]:
    """The subfolders of a remote folder that hold one of the files.

    Args:
      folder: may be absent.
      names: names of files directly below a subfolder.

    Returns:
      By the subfolder's name, a value that changes when one of these files does.

    Raises:
      OSError: it cannot be read.
      MissingExtra: what its scheme needs is not installed.
    """
    find = _s3_subfolders if is_s3(folder) else _tfx_subfolders
    return find(folder.rstrip("/"), frozenset(names))


def _error(path: str, error: Exception) -> OSError:
    """Each file system has exceptions of its own; they become one kind."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return OSError(errno.EIO, text, path)


def _not_found(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


@functools.cache
def _s3_client() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise MissingExtra(f"what {_S3} needs ({error.name})", "s3") from error
    return boto3.client("s3")


def _s3_parts(path: str) -> dict[str, str]:
    bucket, _, key = path.removeprefix(_S3).partition("/")
    return {"Bucket": bucket, "Key": key}


def _s3_read(path: str) -> bytes:
    client = _s3_client()
    try:
        return bytes(client.get_object(**_s3_parts(path))["Body"].read())
    except Exception as error:
        response = getattr(error, "response", {})
        if response.get("Error", {}).get("Code") in _NOT_FOUND:
            raise _not_found(path) from error
        raise _error(path, error) from error


def _s3_write(path: str, data: bytes) -> None:
    client = _s3_client()
    try:
        client.put_object(**_s3_parts(path), Body=data)
    except Exception as error:
        raise _error(path, error) from error


def _s3_subfolders(folder: str, names: frozenset[str]) -> dict[str, Hashable]:
    parts = _s3_parts(folder)
    prefix = f"{parts['Key']}/" if parts["Key"] else ""
    found: dict[str, list[Hashable]] = {}
    client = _s3_client()
    try:
        # One request for a thousand files. A request for each subfolder would take longer.
        pages = client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=parts["Bucket"], Prefix=prefix):
            for entry in page.get("Contents", []):
                subfolder, _, name = entry["Key"].removeprefix(prefix).partition("/")
                if name in names:
                    stamp = (name, entry["ETag"], entry["LastModified"])
                    found.setdefault(subfolder, []).append(stamp)
    except Exception as error:
        raise _error(folder, error) from error
    return {subfolder: tuple(stamps) for subfolder, stamps in found.items()}


def _tfx_read(path: str) -> bytes:
    from tfx.dsl.io import fileio

    try:
        if not fileio.exists(path):
            raise _not_found(path)
        with fileio.open(path, "rb") as file:
            return bytes(file.read())
    except FileNotFoundError:
        raise
    except Exception as error:
        raise _error(path, error) from error


def _tfx_write(path: str, data: bytes) -> None:
    from tfx.dsl.io import fileio

    try:
        with fileio.open(path, "wb") as file:
            file.write(data)
    except Exception as error:
        raise _error(path, error) from error


def _tfx_subfolders(folder: str, names: frozenset[str]) -> dict[str, Hashable]:
    from tfx.dsl.io import fileio

    found: dict[str, list[Hashable]] = {}
    try:
        for subfolder in map(str, fileio.listdir(folder) if fileio.exists(folder) else ()):
            for name in sorted(names):
                path = f"{folder}/{subfolder.rstrip('/')}/{name}"
                if fileio.exists(path):
                    status = fileio.stat(path)
                    stamp = (name, status.length, status.mtime_nsec)
                    found.setdefault(subfolder.rstrip("/"), []).append(stamp)
    except Exception as error:
        raise _error(folder, error) from error
    return {subfolder: tuple(stamps) for subfolder, stamps in found.items()}
