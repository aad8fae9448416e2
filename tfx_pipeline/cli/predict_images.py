"""Columns of paths of images in FILE of `tfx-pipeline predict`: their files are sent."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Sequence
from typing import Any

from tfx_pipeline.config import image_format
from tfx_pipeline.config.loader import read_config
from tfx_pipeline.config.models import Config
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client.table import Table, is_missing

_MOST_PROBLEMS = 20


def columns(config_path: str, named: Sequence[str]) -> frozenset[str]:
    """The columns of images: those that are named, and those of the configuration.

    Args:
      config_path: the configuration; there may be none.
      named: what `--image` gives.
    """
    if not pathlib.Path(config_path).exists():
        return frozenset(named)
    config = read_config(config_path, (), root=None).config
    if not isinstance(config, Config):
        return frozenset(named)
    declared = {name for name, column in config.columns.items() if column.type == "image"}
    treated = {name for name, feature in config.features.items() if feature.transform == "image"}
    return frozenset({*named, *declared, *treated})


def read(table: Table, names: Collection[str], file: str) -> Table:
    """The table with the bytes of images instead of their paths from the folder of `file`.

    Raises:
      ConfigError: files that do not exist, or are neither JPEG nor PNG.
    """
    folder = pathlib.Path(file).parent if file != "-" else pathlib.Path()
    problems: list[Problem] = []
    found = dict(table.columns)
    for name in [name for name in names if name in found]:
        values: list[Any] = []
        for row, value in enumerate(found[name], table.first_row):
            try:
                values.append(_bytes(folder, value))
            except ValueError as error:
                problems.append(Problem(f"row {row}, column {name}", str(error)))
        found[name] = values
    if problems:
        raise ConfigError(problems[:_MOST_PROBLEMS], table.source)
    return dataclasses.replace(table, columns=found)


def _bytes(folder: pathlib.Path, value: Any) -> Any:
    """What is sent for a path; another value is sent as it is.

    Raises:
      ValueError: what is wrong with the file.
    """
    if is_missing(value) or not isinstance(value, str) or not value:
        return value
    try:
        data = (folder / value).read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{folder / value} does not exist") from None
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or error
        raise ValueError(f"{folder / value} cannot be read: {text}") from None
    if problem := image_format.problem(data):
        raise ValueError(f"{folder / value} {problem}")
    return data
