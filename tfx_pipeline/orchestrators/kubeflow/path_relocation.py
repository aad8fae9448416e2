"""Changes paths to those of the steps' image: files of the project become relative.

The image's working directory is the project's folder. The folder's path on the machine
that compiles does not exist in the image.
"""

from __future__ import annotations

import pathlib

from tfx_pipeline.config import database_url
from tfx_pipeline.config.models import Config, PipelineConfig


def in_image(config: PipelineConfig) -> PipelineConfig:
    """The configuration with the paths of data and schema relative to the project."""
    if not isinstance(config, Config):
        return config  # its function knows the paths
    data, schema = config.data, config.schema_source
    if data.url is not None and database_url.is_embedded(data.url):
        file = _relative(database_url.file_of(data.url), config.folder)
        data = data.model_copy(update={"url": database_url.with_file(data.url, file)})
    return config.model_copy(
        update={
            "data": data.model_copy(update={"path": _relative(data.path, config.folder)}),
            "schema_source": schema.model_copy(
                update={"path": schema.path and _relative(schema.path, config.folder)}
            ),
        }
    )


def _relative(path: str, folder: str) -> str:
    pure = pathlib.PurePath(path)
    return str(pure.relative_to(folder)) if pure.is_relative_to(folder) else path
