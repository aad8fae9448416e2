"""Paths as the steps' image has them: what lies below the project is relative to it.

The image's working directory is the project's folder, wherever that is; the folder
it has on the machine that compiles means nothing there.
"""

from __future__ import annotations

import pathlib

from tfx_pipeline.config.models import Config


def in_image(config: Config) -> Config:
    """The configuration with the paths of data and schema relative to the project."""
    data, schema = config.data, config.schema_source
    return config.model_copy(
        update={
            "data": data.model_copy(update={"path": _relative(data.path, config.folder)}),
            "schema_source": schema.model_copy(
                update={"path": schema.path and _relative(schema.path, config.folder)}
            ),
        }
    )


def _relative(path: str, folder: str) -> str:
    place = pathlib.PurePath(path)
    return str(place.relative_to(folder)) if place.is_relative_to(folder) else path
