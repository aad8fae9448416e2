"""Reads the one file of a Schema artifact."""

from __future__ import annotations

from collections.abc import Sequence

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils


def read_text(schemas: Sequence[types.Artifact]) -> str:
    """The schema in protobuf text format.

    Args:
      schemas: a list of one Schema artifact, as executors get it.
    """
    folder = artifact_utils.get_single_uri(list(schemas))
    with fileio.open(io_utils.get_only_uri_in_dir(folder), "r") as file:
        return file.read()
