"""Pipelines that are not made from a configuration: a function's, or an object."""

from __future__ import annotations

import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from tfx_pipeline import errors
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.storage.layout import Layout, is_remote
from tfx_pipeline.user_code import installed

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


class ObjectConfig(PipelineConfig):
    """What a runner needs to know of a pipeline object; it may have any name that TFX allows."""

    name: str


def config_of(pipeline: Any) -> ObjectConfig:
    """The configuration of a pipeline object: its name and its folder, and defaults.

    Runs, logs and, unless the pipeline names another, ML Metadata's database are below
    `<pipeline_root>/<pipeline_name>/`, or below a `pipeline_root` that ends with that name.

    Raises:
      ConfigError: it is no TFX pipeline, or has no `pipeline_root`.
    """
    if not hasattr(pipeline, "pipeline_info") or not hasattr(pipeline, "components"):
        message = f"must be a Config or a tfx.dsl.Pipeline, found {type(pipeline).__name__}"
        raise errors.ConfigError(errors.Problem("pipeline", message))
    root, name = pipeline.pipeline_info.pipeline_root, pipeline.pipeline_name
    if not isinstance(root, str) or not root:
        remedy = "Name the folder of the artifacts"
        raise errors.ConfigError(errors.Problem("pipeline_root", "is missing", remedy))
    connection = pipeline.metadata_connection_config
    if connection is not None and connection.mysql.password:
        remedy = "Leave it out and set TFX_PIPELINE_METADATA_PASSWORD"
        message = "contains a password, which would be written into files"
        raise errors.ConfigError(errors.Problem("metadata_connection_config", message, remedy))
    if not is_remote(root):
        root = os.path.abspath(root)
    layout = Layout.of_pipeline_root(root, name)
    return ObjectConfig(name=name, root=layout.root, folder=os.getcwd())


def import_folders() -> list[str]:
    """Where this process finds modules, without Python's and the environment's own folders."""
    folders = [os.path.abspath(path or ".") for path in sys.path]
    return [
        folder
        for folder in dict.fromkeys(folders)
        if os.path.isdir(folder) and not installed.is_installed(pathlib.Path(folder).resolve())
    ]


def checked(pipeline: Any, path: str, key: str) -> Pipeline:
    """What the user's function `path` has returned.

    Raises:
      ConfigError: it is not a TFX pipeline.
    """
    from tfx.orchestration.pipeline import Pipeline

    if not isinstance(pipeline, Pipeline):
        message = f"{path}: must return a tfx.dsl.Pipeline, found {pipeline!r:.100}"
        raise errors.ConfigError(errors.Problem(key, message))
    return pipeline
