"""Reads raw tf.Examples of a split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import tensorflow as tf
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfx_pipeline.errors import NodeError, did_you_mean


def files(examples: Sequence[types.Artifact], split: str) -> list[str]:
    """The files of a split, in order.

    Raises:
      NodeError: an artifact does not have the split, or there are no files.
    """
    found: list[str] = []
    for artifact in examples:
        names = artifact_utils.decode_split_names(artifact.split_names)
        if split not in names:
            near = did_you_mean(split, names) or "There are no splits."
            raise NodeError(f"the examples have no split {split!r}. {near}")
        uri = artifact_utils.get_split_uri([artifact], split)
        found += sorted(map(str, fileio.glob(io_utils.all_files_pattern(uri))))
    if not found:
        raise NodeError(f"the examples have no files for the split {split!r}")
    return found


def batches(path: str, size: int) -> Iterator[list[bytes]]:
    """Serialized examples of one TFRecord file, up to `size` at a time."""
    compression = "GZIP" if path.endswith(".gz") else ""
    dataset = tf.data.TFRecordDataset(path, compression).batch(size)
    for batch in dataset.as_numpy_iterator():
        yield batch.tolist()


def head(paths: Sequence[str], count: int) -> list[bytes]:
    """The first `count` examples."""
    rows: list[bytes] = []
    for path in paths:
        rows += next(batches(path, count - len(rows)), [])
        if len(rows) >= count:
            break
    return rows
