"""Transformed examples as batches: read once, parsed by the batch, kept in memory if small."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tfx_pipeline.modeling.labels import NO_LABEL

_READ_ROWS = 4096
_IN_MEMORY_BYTES = 200_000_000
"""Of compressed files; larger splits are read again in each epoch."""

_SHUFFLE_ROWS = 200_000


Rows = tuple[dict[str, tf.Tensor], tf.Tensor]
"""Columns and label of some rows."""

# Nothing here needs AutoGraph, which would convert each of these functions first.
_as_it_is = tf.autograph.experimental.do_not_convert


@dataclasses.dataclass(frozen=True)
class Split:
    """The rows of one split.

    Attributes:
      records: serialized rows, many at a time, in the order of the files.
      parse: makes columns and label of them.
      rows: all of them as one batch, if they fit in memory.
    """

    records: tf.data.Dataset
    parse: Callable[[tf.Tensor], Rows]
    rows: Rows | None

    @functools.cached_property
    def batches(self) -> tf.data.Dataset:
        """(columns, label) of many rows each."""
        return self.records.map(_as_it_is(self.parse), tf.data.AUTOTUNE).prefetch(2)

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
        picked = epochs.flat_map(_as_it_is(shuffled)).batch(batch_size, drop_remainder=True)
        gather = functools.partial(_take, self.rows)
        return picked.map(_as_it_is(gather), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def evaluation(self) -> tf.data.Dataset:
        """All rows once, in large batches."""
        if self.rows is None:
            # Keras must know how many there are to run several in one call.
            count = sum(1 for _ in self.records)
            return self.batches.apply(tf.data.experimental.assert_cardinality(count))
        return tf.data.Dataset.from_tensor_slices(self.rows).batch(_READ_ROWS).cache()

    def with_label(self, change: Callable[[tf.Tensor], tf.Tensor]) -> Split:
        """The split with another label."""

        def changed(rows: Rows) -> Rows:
            columns, label = rows
            return columns, change(label)

        rows = changed(self.rows) if self.rows else None
        return Split(self.records, lambda records: changed(self.parse(records)), rows)

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

    def parse(records: tf.Tensor) -> Rows:
        columns = tf.io.parse_example(records, spec)
        present = tf.where(_labelled(columns[label]))[:, 0]
        columns = _take(columns, present)
        return columns, columns.pop(label)

    records = tf.data.TFRecordDataset(files, "GZIP", num_parallel_reads=None).batch(_READ_ROWS)
    size = sum(tf.io.gfile.stat(path).length for path in files)
    rows = _concatenated(map(parse, records)) if size <= _IN_MEMORY_BYTES else None
    return Split(records.prefetch(2), parse, rows)


def _take(columns: Any, rows: tf.Tensor) -> Any:
    return tf.nest.map_structure(lambda column: tf.gather(column, rows), columns)


def _labelled(label: tf.Tensor) -> tf.Tensor:
    if label.dtype == tf.int64:
        return tf.not_equal(label[:, 0], NO_LABEL)
    return tf.math.is_finite(label[:, 0])


def _concatenated(batches: Iterable[Rows]) -> Rows | None:
    read = list(batches)
    if not read:
        return None
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *read)
