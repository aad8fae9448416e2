"""`s3://` for TFX's `fileio`, by boto3: for the line of TFX whose TensorFlow has no S3.

tensorflow-io, which adds S3 to TensorFlow, ends at TensorFlow 2.16. A folder exists while
there are files below it, or an object whose key is its path and a slash: as tensorflow-io
makes them.
"""

from __future__ import annotations

import fnmatch
import io
import os
import posixpath
import re
import tempfile
import types
from collections.abc import Iterator
from typing import Any

from tfx.dsl.io import filesystem, filesystem_registry

from tfx_pipeline.storage import s3


class S3Files(filesystem.Filesystem):
    """Objects as files. A file that is written is there as a whole when it is closed."""

    SUPPORTED_SCHEMES = [s3.SCHEME]

    @staticmethod
    def open(name: Any, mode: str = "r") -> Any:
        """A file to read or to write, of text or of bytes.

        Raises:
          NotFoundError: there is no such file to read.
        """
        name = _text(name)
        if "r" in mode:
            raw: Any = _read(name)
        elif "w" in mode:
            raw = _Written(name)
        else:
            raise ValueError(f"{name}: mode {mode!r} is neither to read nor to write")
        return raw if "b" in mode else io.TextIOWrapper(raw, encoding="utf-8", newline="")

    @staticmethod
    def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Copies a file; one of the two, or both, are on S3.

        Raises:
          OSError: there is a file already, and `overwrite` is not set.
        """
        src, dst = _text(src), _text(dst)
        if not overwrite and _fileio().exists(dst):
            raise OSError(f"{dst} is there already")
        if s3.is_s3(src) and s3.is_s3(dst):
            s3.client().copy(s3.bucket_and_key(src), **s3.bucket_and_key(dst))
        elif s3.is_s3(src):
            _ensure_found(src)
            s3.client().download_file(**s3.bucket_and_key(src), Filename=dst)
        else:
            s3.client().upload_file(src, **s3.bucket_and_key(dst))

    @staticmethod
    def exists(path: Any) -> bool:
        """Whether there is a file or a folder."""
        return _status(_text(path)) is not None or S3Files.isdir(path)

    @staticmethod
    def glob(pattern: Any) -> list[Any]:
        """The files and folders that match, sorted; `*` does not match a slash."""
        pattern = _text(pattern)
        start = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
        below = start[: start.rfind("/") + 1]
        wanted = pattern.removeprefix(below).split("/")
        found = set()
        for path in _paths_below(below):
            names = path.removeprefix(below).rstrip("/").split("/")[: len(wanted)]
            fits = len(names) == len(wanted) and all(map(fnmatch.fnmatchcase, names, wanted))
            if fits and names != [""]:
                found.add(below + "/".join(names))
        return sorted(found)

    @staticmethod
    def isdir(path: Any) -> bool:
        """Whether it is a folder."""
        return next(_paths_below(_as_folder(_text(path)), limit=1), None) is not None

    @staticmethod
    def listdir(path: Any) -> list[Any]:
        """The names in a folder.

        Raises:
          NotFoundError: there is no such folder.
        """
        folder = _as_folder(_text(path))
        found = [found.removeprefix(folder) for found in _paths_below(folder)]
        if not found:
            raise filesystem.NotFoundError(folder)
        return sorted({name.partition("/")[0] for name in found if name})

    @staticmethod
    def makedirs(path: Any) -> None:
        """Makes a folder."""
        s3.client().put_object(**s3.bucket_and_key(_as_folder(_text(path))), Body=b"")

    mkdir = makedirs

    @staticmethod
    def remove(path: Any) -> None:
        """Removes a file.

        Raises:
          NotFoundError: there is no such file.
        """
        _ensure_found(_text(path))
        s3.client().delete_object(**s3.bucket_and_key(_text(path)))

    @staticmethod
    def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Moves a file or a folder; not at once: there is a time when both are there."""
        src, dst = _text(src), _text(dst)
        if _status(src) is not None:
            S3Files.copy(src, dst, overwrite)
            S3Files.remove(src)
            return
        folder = _as_folder(src)
        for path in list(_paths_below(folder)):
            S3Files.copy(path, _as_folder(dst) + path.removeprefix(folder), overwrite)
        S3Files.rmtree(src)

    @staticmethod
    def rmtree(path: Any) -> None:
        """Removes a folder with all that is in it.

        Raises:
          NotFoundError: there is no such folder.
        """
        found = list(_paths_below(_as_folder(_text(path))))
        if not found:
            raise filesystem.NotFoundError(path)
        for each in found:
            s3.client().delete_object(**s3.bucket_and_key(each))

    @staticmethod
    def stat(path: Any) -> Any:
        """Length and time of change, by the names that TensorFlow has for them.

        Raises:
          NotFoundError: there is no such file or folder.
        """
        found = _status(_text(path))
        if found is not None:
            changed = int(found["LastModified"].timestamp() * 1e9)
            length, is_folder = found["ContentLength"], False
        elif S3Files.isdir(path):
            length, changed, is_folder = 0, 0, True
        else:
            raise filesystem.NotFoundError(path)
        return types.SimpleNamespace(length=length, mtime_nsec=changed, is_directory=is_folder)

    @staticmethod
    def walk(
        top: Any, topdown: bool = True, onerror: Any = None
    ) -> Iterator[tuple[Any, list[Any], list[Any]]]:
        """Each folder with the names of its folders and files, as `os.walk`."""
        top = _text(top).rstrip("/")
        folders: dict[str, tuple[set[str], set[str]]] = {top: (set(), set())}
        found = False
        for path in _paths_below(_as_folder(top)):
            found = True
            *above, name = path.removeprefix(f"{top}/").split("/")
            folder = top
            for each in above:
                folders[folder][0].add(each)
                folder = posixpath.join(folder, each)
                folders.setdefault(folder, (set(), set()))
            if name:
                folders[folder][1].add(name)
        if found:
            for folder in sorted(folders, reverse=not topdown):
                yield folder, sorted(folders[folder][0]), sorted(folders[folder][1])


class _Written(io.BufferedIOBase):
    """A file that is uploaded when it is closed, and not when its `with` ends by an error."""

    def __init__(self, path: str):
        self._path = path
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (`close` closes it)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.seek(0)
            s3.client().upload_fileobj(self._file, **s3.bucket_and_key(self._path))
            self._file.close()
        super().close()

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is not None:
            self._file.close()
            super().close()
        self.close()


def register() -> None:
    """Makes TFX's `fileio` use `S3Files` for `s3://`, in this process."""
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(S3Files, priority=0)


def download_folder(uri: str, target: str) -> None:
    """Copies a folder to a local one, which is made if it is not there."""
    for folder, _, names in S3Files.walk(uri):
        local = os.path.normpath(os.path.join(target, os.path.relpath(folder, uri)))
        os.makedirs(local, exist_ok=True)
        for name in names:
            S3Files.copy(posixpath.join(folder, name), os.path.join(local, name), overwrite=True)


def _fileio() -> Any:
    from tfx.dsl.io import fileio

    return fileio


def _text(path: Any) -> str:
    return path.decode() if isinstance(path, bytes) else str(path)


def _as_folder(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"


def _status(path: str) -> Any:
    if path.endswith("/"):
        return None
    try:
        return s3.client().head_object(**s3.bucket_and_key(path))
    except Exception as error:
        if s3.is_missing(error):
            return None
        raise


def _ensure_found(path: str) -> None:
    if _status(path) is None:
        raise filesystem.NotFoundError(path)


def _read(path: str) -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    try:
        s3.client().download_fileobj(**s3.bucket_and_key(path), Fileobj=file)
    except Exception as error:
        if s3.is_missing(error):
            raise filesystem.NotFoundError(path) from error
        raise
    file.seek(0)
    return file


def _paths_below(folder: str, limit: int | None = None) -> Iterator[str]:
    """All files below a folder, and the objects that stand for folders; they end with a slash."""
    parts = s3.bucket_and_key(folder)
    options = {} if limit is None else {"PaginationConfig": {"MaxItems": limit}}
    pages = s3.client().get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=parts["Bucket"], Prefix=parts["Key"], **options):
        for entry in page.get("Contents", []):
            yield f"{s3.SCHEME}{parts['Bucket']}/{entry['Key']}"
