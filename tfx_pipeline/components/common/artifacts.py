"""Artifacts as executors get them."""

from __future__ import annotations

from collections.abc import Sequence

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

Artifacts = dict[str, list[types.Artifact]]
"""The inputs or outputs of an executor's `Do`: lists of artifacts by key."""


def read_schema_text(schemas: Sequence[types.Artifact]) -> str:
    """The schema in protobuf text format.

    Args:
      schemas: a list of one Schema artifact.
    """
    folder = artifact_utils.get_single_uri(list(schemas))
    with fileio.open(io_utils.get_only_uri_in_dir(folder), "r") as file:
        return file.read()
