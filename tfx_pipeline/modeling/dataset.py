"""Batches of transformed examples. A small split is read once and kept in memory."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tfx_pipeline.config.label_classes import UNKNOWN_CLASS

_READ_ROWS = 4096
MAX_BYTES_IN_MEMORY = 200_000_000
"""Of compressed files. A larger split is read from its files again in each epoch."""

_SHUFFLE_ROWS = 200_000
_SHUFFLE_BYTES = 500_000_000
_EVALUATED_BYTES = 4_000_000
"""Of the columns of a batch. The network's layers make many times as much of an image."""

MOST_COUNTED = 2_000_000
"""More rows change no decision of `recipe`."""

Rows = tuple[dict[str, tf.Tensor], tf.Tensor] | tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]
"""Columns by name, the label and perhaps the weight of some rows, each [rows, 1]."""

# Without this, AutoGraph would convert each function below, and none of them needs it.
_without_autograph = tf.autograph.experimental.do_not_convert


@dataclasses.dataclass(frozen=True)
class Split:
    """The rows of one split.

    Attributes:
      records: batches of serialized rows, in the order of the files.
      parse: serialized rows, string [rows], to columns and label.
      rows: all rows as one batch, if they fit in memory.
    """

    records: tf.data.Dataset
    parse: Callable[[tf.Tensor], Rows]
    rows: Rows | None

    @functools.cached_property
    def batches(self) -> tf.data.Dataset:
        """All rows once, as (columns, label[, weight]) of up to 4096 rows."""
        return self.records.map(_without_autograph(self.parse), tf.data.AUTOTUNE).prefetch(2)

    def training(
        self, batch_size: int, seed: int, workers: int = 1, worker: int = 0
    ) -> tf.data.Dataset:
        """Batches of shuffled rows without end; the same seed gives the same batches.

        With several workers, a step's batch has an equal part in each of them. Keras divides
        what it gets here into such parts, so each worker gets as many rows as `workers` steps
        need. The parts of a split in memory are together the batch of a single worker.
        """
        if workers > 1:
            rows = self._part(batch_size // workers, seed, workers, worker)
            batches = self._gathered(rows.batch(batch_size, drop_remainder=True))
            return batches.with_options(_sharding(tf.data.experimental.AutoShardPolicy.OFF))
        rows = (
            self._shuffled(self.batches, seed) if self.rows is None else _numbers(self.rows, seed)
        )
        return self._gathered(rows.batch(batch_size, drop_remainder=True))

    def _part(self, size: int, seed: int, workers: int, worker: int) -> tf.data.Dataset:
        """The rows or row numbers of one worker, `size` of each step's batch, one by one."""
        if self.rows is not None:
            parts = _numbers(self.rows, seed).batch(size, drop_remainder=True)
            return parts.shard(workers, worker).unbatch()
        own = self.records.unbatch().shard(workers, worker).batch(_READ_ROWS)
        return self._shuffled(own.map(_without_autograph(self.parse), tf.data.AUTOTUNE), seed)

    def _shuffled(self, batches: tf.data.Dataset, seed: int) -> tf.data.Dataset:
        buffer = max(1, min(_SHUFFLE_ROWS, _SHUFFLE_BYTES // self._row_bytes))
        return batches.unbatch().shuffle(buffer, seed).repeat()

    def _gathered(self, picked: tf.data.Dataset) -> tf.data.Dataset:
        """Batches of rows, of batches of rows or of row numbers."""
        if self.rows is not None:
            gather = functools.partial(_take, self.rows)
            picked = picked.map(_without_autograph(gather), tf.data.AUTOTUNE)
        if len(picked.element_spec) > 2:
            picked = picked.map(_without_autograph(_with_flat_weight))
        return picked.prefetch(tf.data.AUTOTUNE)

    def evaluation(self) -> tf.data.Dataset:
        """All rows once, in large batches, of large rows in smaller ones.

        Keras divides them among several workers.
        """
        size = max(1, min(_READ_ROWS, _EVALUATED_BYTES // self._row_bytes))
        if self.rows is not None:
            batches = tf.data.Dataset.from_tensor_slices(self.rows).batch(size).cache()
        else:
            batches = self.batches
            if size < _READ_ROWS:
                batches = batches.unbatch().batch(size)
                count = math.ceil(len(self.labels) / size)
            else:
                count = sum(1 for _ in self.records)
            # Keras must know the number of batches to run several of them in one call.
            batches = batches.apply(tf.data.experimental.assert_cardinality(count))
        return batches.with_options(_sharding(tf.data.experimental.AutoShardPolicy.DATA))

    @property
    def _row_bytes(self) -> int:
        """The size of a row's columns."""
        columns = self.batches.element_spec[0].values()
        sizes = (spec.dtype.size * (spec.shape[1:].num_elements() or 1) for spec in columns)
        return sum(sizes) or 1

    def sample(self) -> dict[str, np.ndarray]:
        """The columns of all rows; of a large split, of up to 200,000 rows or 500 MB.

        They are spread over a split in memory, and the first ones of another.
        """
        if self.rows is not None:
            step = max(1, -(-len(self.labels) // _SHUFFLE_ROWS))
            return {name: values[::step].numpy() for name, values in self.rows[0].items()}
        most = _SHUFFLE_BYTES // self._row_bytes
        if most < _SHUFFLE_ROWS:
            batches = self.batches.unbatch().take(max(1, most)).batch(_READ_ROWS)
        else:
            batches = self.batches.take(_SHUFFLE_ROWS // _READ_ROWS)
        read = [rows[0] for rows in batches.as_numpy_iterator()]
        return {name: np.concatenate([columns[name] for columns in read]) for name in read[0]}

    def with_label(self, change: Callable[[tf.Tensor], tf.Tensor]) -> Split:
        """The split with `change` applied to its label, [rows, 1]."""

        def changed(rows: Rows) -> Rows:
            columns, label, *weight = rows
            return (columns, change(label), *weight)

        rows = changed(self.rows) if self.rows else None
        return Split(self.records, lambda records: changed(self.parse(records)), rows)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """The label of every row, [rows]."""
        return self._values(1)

    @functools.cached_property
    def weights(self) -> np.ndarray | None:
        """The weight of every row, [rows]; None if all rows count alike."""
        return self._values(2) if len(self.batches.element_spec) > 2 else None

    def _values(self, part: int) -> np.ndarray:
        """The label (1) or the weight (2) of every row, [rows]."""
        if self.rows is not None:
            values: tf.Tensor = self.rows[part]
            return values.numpy()[:, 0]
        found = [rows[part][:, 0] for rows in self.batches.as_numpy_iterator()]
        return np.concatenate(found) if found else np.zeros([0])


def _with_flat_weight(columns: Any, label: tf.Tensor, weight: tf.Tensor) -> Rows:
    """Weights [rows], as Keras' class weights are, by which it multiplies them."""
    return columns, label, weight[:, 0]


def _sharding(policy: tf.data.experimental.AutoShardPolicy) -> tf.data.Options:
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policy
    return options


def read_split(
    patterns: list[str],
    transform: tft.TFTransformOutput,
    names: Iterable[str],
    label: str,
    weight: str | None = None,
) -> Split:
    """Reads gzipped TFRecords of transformed examples; rows without a label are left out.

    Args:
      patterns: glob patterns of the files.
      transform: Transform's output, which has the types of the columns.
      names: the columns that the model takes.
      label: the column to predict.
      weight: the column with the weights of the rows.
    """
    files = files_of(patterns)
    spec = transform.transformed_feature_spec()
    spec = {name: spec[name] for name in [*names, label, *filter(None, [weight])]}

    def parse(records: tf.Tensor) -> Rows:
        columns = tf.io.parse_example(records, spec)
        is_id = columns[label].dtype == tf.int64
        found = columns[label][:, 0]
        labelled = tf.not_equal(found, UNKNOWN_CLASS) if is_id else tf.math.is_finite(found)
        columns = _take(columns, tf.where(labelled)[:, 0])
        if weight is None:
            return columns, columns.pop(label)
        return columns, columns.pop(label), columns.pop(weight)

    records = tf.data.TFRecordDataset(files, "GZIP", num_parallel_reads=None).batch(_READ_ROWS)
    size = sum(tf.io.gfile.stat(path).length for path in files)
    rows = _concatenate(map(parse, records)) if size <= MAX_BYTES_IN_MEMORY else None
    return Split(records.prefetch(2), parse, rows)


def _numbers(rows: Rows, seed: int) -> tf.data.Dataset:
    """The numbers of the rows, shuffled anew for each pass, without end."""
    count = tf.shape(rows[1], tf.int64)[0]

    def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
        numbers = tf.random.experimental.stateless_shuffle(tf.range(count), seeds)
        return tf.data.Dataset.from_tensor_slices(numbers)

    return tf.data.Dataset.range(tf.int64.max).flat_map(_without_autograph(shuffled))


def files_of(patterns: Iterable[str]) -> list[str]:
    """The files that match glob patterns, sorted."""
    return sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))


def count_rows(patterns: Iterable[str], most: int = MOST_COUNTED) -> int:
    """The number of examples in gzipped TFRecords; `most` if there are more."""
    batches = tf.data.TFRecordDataset(files_of(patterns), "GZIP").take(most).batch(_READ_ROWS)
    return sum(len(records) for records in batches.as_numpy_iterator())


def _take(columns: Any, rows: tf.Tensor) -> Any:
    """The rows with the given numbers, int64 [n], of nested tensors."""
    return tf.nest.map_structure(lambda column: tf.gather(column, rows), columns)


def _concatenate(batches: Iterable[Rows]) -> Rows | None:
    """All batches as one; None if there is none."""
    read = list(batches)
    if not read:
        return None
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *read)
