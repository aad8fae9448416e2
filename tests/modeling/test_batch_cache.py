"""Each raw column is read once in a graph."""

from __future__ import annotations

import collections

import pytest
import tensorflow as tf

from tests.modeling import test_transformations
from tfx_pipeline.modeling.batch_cache import CachedBatch
from tfx_pipeline.modeling.columns import Column

pytestmark = pytest.mark.tensorflow


def _sparse(rows, dtype):
    return tf.ragged.constant(rows, dtype).to_sparse()


def test_reads_like_the_mapping_it_wraps():
    batch = CachedBatch({"x": 1})
    assert (dict(batch), len(batch), "y" in batch) == ({"x": 1}, 1, False)
    assert CachedBatch.wrap(batch) is batch


def test_makes_each_form_of_a_column_once():
    column = Column("x", tf.float32)
    batch = CachedBatch({"x": _sparse([[1.0, 5.0], [], [float("inf")]], tf.float32)})
    assert column.present(batch) is column.present(batch)
    assert column.numbers(batch, -1.0).numpy().tolist() == [1, -1, -1]
    assert column.numbers({"x": batch["x"]}, -1.0).numpy().tolist() == [1, -1, -1]


def test_constants_are_shared_by_value_and_type():
    batch = CachedBatch({})
    assert batch.constant(0.0, tf.float32) is batch.constant(0.0, tf.float32)
    assert batch.constant(0.0, tf.float64).dtype == tf.float64
    assert batch.constant(1.0, tf.float32).numpy() == 1


def test_strings_of_an_empty_batch():
    column = Column("x", tf.string)
    batch = {"x": tf.sparse.from_dense(tf.zeros([3, 0], tf.string))}
    assert column.strings(batch, "none").numpy().tolist() == [b"none"] * 3


def test_preprocessing_reads_each_column_once():
    from tfx_pipeline.modeling.preprocessing import preprocessing_fn

    config = {
        "features": {**test_transformations.NUMERIC, **test_transformations.WHOLE},
        "label": {"name": "y", "task": "regression"},
        "schema": test_transformations.SCHEMA,
    }
    types = {**dict.fromkeys([*test_transformations.NUMERIC, "y"], tf.float32)}
    types |= dict.fromkeys(test_transformations.WHOLE, tf.int64)
    with tf.Graph().as_default() as graph:
        inputs = {name: tf.compat.v1.sparse_placeholder(t) for name, t in types.items()}
        preprocessing_fn(inputs, config)
    operations = collections.Counter(operation.type for operation in graph.get_operations())
    assert operations["SparseToDense"] == len(types)
