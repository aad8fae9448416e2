"""Rows of slices, and the few columns they need, from serialized examples."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfx_pipeline.components.evaluator.feature_reader import Reader
from tfx_pipeline.components.evaluator.slicing import by_slice

pytestmark = pytest.mark.tensorflow


def _record(**columns):
    example = tf.train.Example()
    for name, values in columns.items():
        feature = example.features.feature[name]
        for value in values:
            kind = "bytes_list" if isinstance(value, bytes) else "int64_list"
            getattr(feature, kind).value.append(value)
    return example.SerializeToString()


ROWS = [
    _record(hour=[1], word=[b"a"]),
    _record(hour=[], word=[b"\xff"], other=[1]),
    _record(hour=[2, 1], word=[b"a", b"\xfe"]),
    _record(),
    _record(hour=[1], word=[b"a"]),
]


def _slices(rows, *slices):
    columns = Reader({name for names in slices for name in names}).read(ROWS)
    found = by_slice(np.array(rows, np.int64), slices, columns)
    return {key: index.tolist() for key, index in found.items()}


def test_all_rows_and_each_value():
    assert _slices([0, 1, 2, 4], ["hour"]) == {
        (): [0, 1, 2, 4],
        (("hour", 1),): [0, 2, 4],
        (("hour", 2),): [2],
    }


def test_only_rows_that_count():
    assert _slices([2, 3], ["hour"]) == {(): [2, 3], (("hour", 1),): [2], (("hour", 2),): [2]}
    assert _slices([], ["hour"]) == {}


def test_combinations_of_several_columns_with_several_values():
    assert _slices([0, 1, 2, 3, 4], ["hour", "word"]) == {
        (): [0, 1, 2, 3, 4],
        (("hour", 1), ("word", "a")): [0, 2, 4],
        (("hour", 1), ("word", "\ufffd")): [2],
        (("hour", 2), ("word", "a")): [2],
        (("hour", 2), ("word", "\ufffd")): [2],
    }


def test_bytes_that_look_the_same_are_one_slice():
    assert _slices([1, 2], ["word"])[(("word", "\ufffd"),)] == [1, 2]


def test_a_column_that_no_row_has():
    assert _slices([0, 1], ["nowhere"]) == {(): [0, 1]}


def test_a_column_whose_type_shows_late():
    reader = Reader({"other"})
    assert reader.read(ROWS[:1])["other"].splits.tolist() == [0, 0]
    column = reader.read(ROWS)["other"]
    assert (column.values.tolist(), column.splits.tolist()) == ([1], [0, 0, 1, 1, 1, 1])
