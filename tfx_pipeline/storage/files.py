"""Small files and their folders, on this machine or on an object store, by the same functions.

For `s3://` boto3 does the work, so that the command line and clients need no TensorFlow. Other
remote schemes use TFX's file systems, which import it. A file on an object store is written as a
whole: a reader gets the old content or the new one, as on a local disk.
"""

from __future__ import annotations

import errno
import os
import pathlib
from collections.abc import Hashable, Iterable

from tfx_pipeline.storage import s3
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import is_remote


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
    return _s3_read(text) if s3.is_s3(text) else _tfx_read(text)


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file as a whole.

    Raises:
      OSError: it cannot be written; its content is unchanged.
      MissingExtra: what its scheme needs is not installed.
    """
    text = os.fspath(path)
    data = content.encode() if isinstance(content, str) else content
    if not is_remote(text):
        write_atomically(pathlib.Path(text), data)
    elif s3.is_s3(text):
        _s3_write(text, data)
    else:
        _tfx_write(text, data)


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
    find = _s3_subfolders if s3.is_s3(folder) else _tfx_subfolders
    return find(folder.rstrip("/"), frozenset(names))


def _error(path: str, error: Exception) -> OSError:
    """Each file system has exceptions of its own; they become one kind."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return OSError(errno.EIO, text, path)


def _not_found(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _s3_read(path: str) -> bytes:
    client = s3.client()
    try:
        return bytes(client.get_object(**s3.bucket_and_key(path))["Body"].read())
    except Exception as error:
        if s3.is_missing(error):
            raise _not_found(path) from error
        raise _error(path, error) from error


def _s3_write(path: str, data: bytes) -> None:
    client = s3.client()
    try:
        client.put_object(**s3.bucket_and_key(path), Body=data)
    except Exception as error:
        raise _error(path, error) from error


def _s3_subfolders(folder: str, names: frozenset[str]) -> dict[str, Hashable]:
    parts = s3.bucket_and_key(folder)
    prefix = f"{parts['Key']}/" if parts["Key"] else ""
    found: dict[str, list[Hashable]] = {}
    client = s3.client()
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
        fileio.makedirs(os.path.dirname(path))
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
