"""Transformed examples as batches: read once, parsed by the batch, kept in memory if small."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from modules.labels import NO_LABEL

_READ_ROWS = 4096
_IN_MEMORY_BYTES = 200_000_000
"""Of compressed files; larger splits are read again in each epoch."""

_SHUFFLE_ROWS = 200_000


@dataclasses.dataclass(frozen=True)
class Split:
    """The rows of one split.

    Attributes:
      batches: (features, label) of many rows each, in the order of the files.
      rows: all of them as one batch, if they fit in memory.
    """

    batches: tf.data.Dataset
    rows: tuple[dict[str, tf.Tensor], tf.Tensor] | None

    def training(self, batch_size: int, seed: int) -> tf.data.Dataset:
        """Endless shuffled batches; the same seed gives the same batches."""
        if self.rows is None:
            return self._streamed(batch_size, seed)
        count = tf.shape(self.rows[1], tf.int64)[0]

        def shuffled(epoch):
            seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
            rows = tf.random.experimental.stateless_shuffle(tf.range(count), seeds)
            return tf.data.Dataset.from_tensor_slices(rows)

        epochs = tf.data.Dataset.range(tf.int64.max)
        picked = epochs.flat_map(shuffled).batch(batch_size, drop_remainder=True)

        def gather(rows):
            return tf.nest.map_structure(lambda column: tf.gather(column, rows), self.rows)

        return picked.map(gather, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def evaluation(self) -> tf.data.Dataset:
        """All rows once, in large batches."""
        if self.rows is None:
            # Keras must know how many there are to run several in one call.
            count = sum(1 for _ in self.batches)
            return self.batches.apply(tf.data.experimental.assert_cardinality(count))
        return tf.data.Dataset.from_tensor_slices(self.rows).batch(_READ_ROWS).cache()

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Every row's label."""
        if self.rows is not None:
            return self.rows[1].numpy()[:, 0]
        found = [label[:, 0] for _, label in self.batches.as_numpy_iterator()]
        return np.concatenate(found) if found else np.zeros([0])

    def _streamed(self, batch_size: int, seed: int) -> tf.data.Dataset:
        rows = self.batches.unbatch().shuffle(_SHUFFLE_ROWS, seed).repeat()
        return rows.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def read_split(
    patterns: list[str], transform: tft.TFTransformOutput, names: Iterable[str], label: str
) -> Split:
    """Reads gzipped TFRecords of transformed examples; rows without a label are left out.

    Args:
      patterns: of files.
      transform: Transform's output, which knows their format.
      names: the columns that the model takes.
      label: the column to predict.
    """
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    spec = transform.transformed_feature_spec()
    spec = {name: spec[name] for name in [*names, label]}

    def parse(records):
        columns = tf.io.parse_example(records, spec)
        present = _labelled(columns[label])
        columns = {name: tf.boolean_mask(values, present) for name, values in columns.items()}
        return columns, columns.pop(label)

    records = tf.data.TFRecordDataset(files, "GZIP", num_parallel_reads=None)
    batches = records.batch(_READ_ROWS).map(parse, tf.data.AUTOTUNE).prefetch(2)
    size = sum(tf.io.gfile.stat(path).length for path in files)
    return Split(batches, _concatenated(batches) if size <= _IN_MEMORY_BYTES else None)


def _labelled(label: tf.Tensor) -> tf.Tensor:
    if label.dtype == tf.int64:
        return tf.not_equal(label[:, 0], NO_LABEL)
    return tf.math.is_finite(label[:, 0])


def _concatenated(batches: tf.data.Dataset) -> tuple[dict[str, tf.Tensor], tf.Tensor] | None:
    read = list(batches)
    if not read:
        return None
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *read)
