"""The file that a pipeline for a cluster is written to."""

from __future__ import annotations

import pathlib

from tfx_pipeline import errors
from tfx_pipeline.storage.atomic_write import write_atomically

HEADER = "# Written by tfx-pipeline. Changes are lost when it is written again.\n"


def ensure_ours(path: pathlib.Path) -> None:
    """Checks that `path` may be overwritten: this project has written it, or it is absent.

    Raises:
      ConfigError: it is another file, a folder, or not readable.
    """
    if path.is_dir():
        raise errors.ConfigError(errors.Problem("--output", f"{path} is a folder", "Name a file"))
    try:
        with path.open("rb") as file:
            found = file.read(len(HEADER))
    except FileNotFoundError:
        return
    except OSError as error:
        raise errors.ConfigError(f"--output: {path} cannot be read: {error.strerror}") from error
    if found != HEADER.encode():
        message = f"{path} exists and was not written by tfx-pipeline"
        raise errors.ConfigError(
            errors.Problem("--output", message, "Name another file, or remove it")
        )


def write(path: pathlib.Path, text: str) -> None:
    """Writes the pipeline below the header that `ensure_ours` looks for.

    Raises:
      ConfigError: the file cannot be written.
    """
    try:
        write_atomically(path, HEADER + text)
    except OSError as error:
        reason = f"{path} cannot be written: {error.strerror}"
        raise errors.ConfigError(errors.Problem("--output", reason)) from error
