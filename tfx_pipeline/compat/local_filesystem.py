"""TFX's access to local files, with Python's answers where TensorFlow's take its import."""

from __future__ import annotations

import contextlib
import glob
import io
import os
import shutil
import types
from typing import Any

from tfx.dsl.io import filesystem, filesystem_registry
from tfx.dsl.io.plugins import tensorflow_gfile

from tfx_pipeline.compat.table import LOCAL_FILES


class _WithSize(io.BufferedIOBase):
    def size(self) -> int:
        """The file's length in bytes; TensorFlow's files have this method."""
        return os.fstat(self.fileno()).st_size


class _Reader(_WithSize, io.BufferedReader):
    """Reads bytes; like TensorFlow's, it leaves carriage returns out of lines."""

    def readline(self, size: int | None = -1) -> bytes:
        return super().readline(size).replace(b"\r", b"")

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line


class _Writer(_WithSize, io.BufferedWriter):
    """Takes texts and bytes, as TensorFlow's does in each mode."""

    def write(self, data: Any) -> int:
        return super().write(data.encode() if isinstance(data, str) else data)


class LocalFiles(tensorflow_gfile.TensorflowFilesystem):
    """Python does all that a node from the cache needs, or a node with a component of your own."""

    SUPPORTED_SCHEMES = [""]

    @staticmethod
    def open(name: Any, mode: str = "r") -> Any:
        """A file to write, or to read bytes from.

        TensorFlow opens for other modes, and what Python cannot: its errors come later.
        """
        with contextlib.suppress(OSError):
            if mode == "rb":
                return _Reader(io.FileIO(name))
            if mode in ("w", "wb"):
                return _Writer(io.FileIO(name, "w"))
        return tensorflow_gfile.TensorflowFilesystem.open(name, mode)

    @staticmethod
    def exists(path: Any) -> bool:
        """Whether there is a file or folder."""
        return os.path.exists(path)

    @staticmethod
    def isdir(path: Any) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path)

    @staticmethod
    def glob(pattern: Any) -> list[Any]:
        """The paths that match, sorted."""
        return sorted(glob.glob(pattern))

    @staticmethod
    def listdir(path: Any) -> list[Any]:
        """The names in a folder."""
        try:
            return os.listdir(path)
        except FileNotFoundError as error:
            raise filesystem.NotFoundError() from error

    @staticmethod
    def makedirs(path: Any) -> None:
        """Makes a folder and those above it."""
        os.makedirs(path, exist_ok=True)

    @staticmethod
    def rmtree(path: Any) -> None:
        """Removes a folder with all that is in it."""
        try:
            shutil.rmtree(path)
        except FileNotFoundError as error:
            raise filesystem.NotFoundError() from error

    @staticmethod
    def stat(path: Any) -> types.SimpleNamespace:
        """As TensorFlow's, whose names TFX reads."""
        try:
            found = os.stat(path)
        except FileNotFoundError as error:
            raise filesystem.NotFoundError() from error
        return types.SimpleNamespace(
            length=found.st_size,
            mtime_nsec=found.st_mtime_ns,
            is_directory=os.path.isdir(path),
        )


def register() -> None:
    """Makes TFX's `fileio` use `LocalFiles` for paths without a scheme, in this process."""
    if LOCAL_FILES.fits():
        filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(LocalFiles, priority=0)
