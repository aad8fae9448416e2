"""Warns of settings that usually do not work on a cluster.

These are not errors: a cluster of one node, or a database without a password, may be
intended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from tfx_pipeline.config import database_url
from tfx_pipeline.config.environment import DATA_PASSWORD, METADATA_PASSWORD
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.config.metadata_database import FORM, SQLITE
from tfx_pipeline.config.models import Config, PipelineConfig
from tfx_pipeline.storage.layout import is_remote


def warnings(config: PipelineConfig) -> list[str]:
    """One sentence for each file, folder or secret that steps in separate pods cannot reach."""
    return [*_root(config), *_metadata(config), *_data(config)]


def _root(config: PipelineConfig) -> Iterator[str]:
    for key, path in {"root": config.root, "serving.push_dir": config.push_dir}.items():
        if not is_remote(path) and not _is_mounted(path, config.kubeflow):
            yield (
                f"{key} is {path}, which the steps do not share: use an object store "
                "(s3://, gs://), or a path below the mount_path of one of kubeflow.volumes"
            )


def _metadata(config: PipelineConfig) -> Iterator[str]:
    if config.metadata == SQLITE:
        yield (
            f"metadata is sqlite, a file that steps on a cluster cannot share: use a server, {FORM}"
        )
        return
    section = config.kubeflow
    if METADATA_PASSWORD not in {*section.secret_variables, *section.env}:
        yield (
            f"no secret contains {METADATA_PASSWORD}: steps will use MySQL without a password. "
            f"Add {{name: SECRET, env: {{{METADATA_PASSWORD}: KEY}}}} to kubeflow.secrets"
        )


def _data(config: PipelineConfig) -> Iterator[str]:
    if not isinstance(config, Config):
        return
    yield from _database(config)
    for key, path in {
        "data.path": config.data.path,
        "schema.path": config.schema_source.path,
    }.items():
        if path and os.path.isabs(path) and not _is_mounted(path, config.kubeflow):
            yield (
                f"{key} is {path}, outside of the project and of kubeflow.volumes: "
                "the image must contain it"
            )


def _database(config: Config) -> Iterator[str]:
    url, section = config.data.url, config.kubeflow
    if url is None or database_url.is_embedded(url):
        return
    if DATA_PASSWORD not in {*section.secret_variables, *section.env}:
        yield (
            f"no secret contains {DATA_PASSWORD}: steps will read the data without a password. "
            f"Add {{name: SECRET, env: {{{DATA_PASSWORD}: KEY}}}} to kubeflow.secrets"
        )


def _is_mounted(path: str, section: Kubeflow) -> bool:
    mounts = [volume.mount_path.rstrip("/") for volume in section.volumes]
    return any(path == mount or path.startswith(f"{mount}/") for mount in mounts)
