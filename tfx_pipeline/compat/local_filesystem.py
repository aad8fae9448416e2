"""TFX's access to local files, with Python's answers where TensorFlow's take its import."""

from __future__ import annotations

import glob
import os
import shutil
import types
from typing import Any

from tfx.dsl.io import filesystem, filesystem_registry
from tfx.dsl.io.plugins import tensorflow_gfile

from tfx_pipeline.compat.table import LOCAL_FILES


class LocalFiles(tensorflow_gfile.TensorflowFilesystem):
    """Python does all that a node from the cache needs: looking, and scratch folders."""

    SUPPORTED_SCHEMES = [""]

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
