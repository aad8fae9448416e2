"""Turns `pipeline.yaml` and `--set` into a `Config`, or into a list of all their problems.

Relative paths in the file and in `--set` start at the file's folder.
"""

from __future__ import annotations

import copy
import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

from tfx_pipeline.config import cross_field_rules, database_url, error_messages, yaml_reader
from tfx_pipeline.config.models import Config, PipelineConfig, config_class
from tfx_pipeline.config.overrides import apply_overrides, override_locations
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.storage.layout import is_remote


@dataclasses.dataclass(frozen=True)
class Reading:
    """The result of reading a configuration.

    Attributes:
      config: the configuration. If there are problems, the keys that are wrong are
        left out; None if the rest is not a configuration.
      problems: every problem found.
      source: the file.
    """

    config: PipelineConfig | None
    problems: tuple[Problem, ...]
    source: str


def load_config(
    path: str | os.PathLike[str] = "pipeline.yaml",
    overrides: Sequence[str] = (),
    *,
    root: str | os.PathLike[str] | None = None,
) -> PipelineConfig:
    """Loads and validates a configuration.

    Args:
      path: the YAML file.
      overrides: `KEY=VALUE` texts; KEY is dotted, VALUE is YAML.
      root: replaces the file's `root`; relative to the working directory.

    Returns:
      The configuration, with absolute paths: a `Config`, or a plain `PipelineConfig` if
      `modules.create_pipeline` names a user's function and no section of the standard
      pipeline is there.

    Raises:
      ConfigError: the file or an override is wrong; it contains all problems.
    """
    reading = read_config(path, overrides, root=root)
    if reading.problems or reading.config is None:
        raise ConfigError(reading.problems, reading.source)
    return reading.config


def read_config(
    path: str | os.PathLike[str] = "pipeline.yaml",
    overrides: Sequence[str] = (),
    *,
    root: str | os.PathLike[str] | None = None,
) -> Reading:
    """Like `load_config`, but returns the problems together with the usable values.

    Raises:
      ConfigError: the file cannot be read or is not YAML.
    """
    file = pathlib.Path(path)
    document = yaml_reader.read(file)
    values, problems = apply_overrides(document.values, overrides)
    document = dataclasses.replace(document, overridden=override_locations(overrides))
    problems = [*document.problems, *problems, *cross_field_rules.problems(values, document)]
    folder = file.absolute().parent
    config, wrong = _validate(values, folder)
    if config is not None:
        problems += cross_field_rules.coerced_booleans(values, config.dump(), document)
    else:
        problems += error_messages.problems(wrong, values, document)
        config, _ = _validate(_without(values, wrong), folder)
    if config is not None:
        config = _resolve_paths(config, folder, root)
    problems.sort(key=lambda problem: getattr(problem, "line", None) or 0)
    return Reading(config, tuple(problems), str(file))


def _validate(
    values: dict[Any, Any], folder: pathlib.Path
) -> tuple[PipelineConfig | None, list[ErrorDetails]]:
    try:
        # A column's treatment may be a class in the project's folder.
        return config_class(values).model_validate(values, context={"folder": folder}), []
    except pydantic.ValidationError as error:
        return None, error.errors(include_url=False)


def _without(values: dict[Any, Any], wrong: list[ErrorDetails]) -> dict[Any, Any]:
    """A copy of `values` without the keys that have errors."""
    rest = copy.deepcopy(values)
    for error in wrong:
        *above, last = error_messages.location(error["loc"]) or ("",)
        holder: Any = rest
        for part in above:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.pop(last, None)
    return rest


def _resolve_paths(
    config: PipelineConfig, folder: pathlib.Path, root: str | os.PathLike[str] | None
) -> PipelineConfig:
    def absolute(path: str | None) -> str | None:
        return None if path is None else absolute_path(path, folder)

    where = absolute(config.root) if root is None else absolute_path(str(root), pathlib.Path.cwd())
    serving, airflow = config.serving, config.airflow
    changes: dict[str, Any] = {
        "folder": str(folder),
        "root": where,
        "serving": serving.model_copy(update={"push_dir": absolute(serving.push_dir)}),
        "airflow": airflow.model_copy(update={"watch": absolute(airflow.watch)}),
    }
    if isinstance(config, Config):
        data, schema = config.data, config.schema_source
        changes["data"] = data.model_copy(
            update={
                "path": absolute(data.path or None) or "",
                "url": data.url and database_url.absolute(data.url, folder),
            }
        )
        changes["schema_source"] = schema.model_copy(update={"path": absolute(schema.path)})
    return config.model_copy(update=changes)


def absolute_path(path: str, folder: pathlib.Path) -> str:
    """`path` relative to `folder`; a remote path such as `s3://…` is returned unchanged."""
    if is_remote(path):
        return path
    return os.path.normpath(folder / os.path.expanduser(path))
