"""The order of a tf.Example's columns in its bytes."""

from __future__ import annotations

import random

import pytest

from tfx_pipeline.compat import map_order

pytestmark = pytest.mark.tensorflow


def test_names_are_sorted_as_protobuf_sorts_them():
    from tensorflow.core.example import example_pb2

    names = ["", "a", "aa", "ab", "abc", "b", "B", "a b", "é", "☃", "☃b", "\x00", "a\x00", "ÿ"]
    random.Random(1).shuffle(names)
    example = example_pb2.Example()
    for name in names:
        example.features.feature[name].int64_list.value.append(1)
    data = example.SerializeToString(deterministic=True)
    positions = [data.index(_entry(name)) for name in sorted(names, key=map_order.sort_key)]
    assert positions == sorted(positions)


def _entry(name: str) -> bytes:
    """The beginning of a map's entry: its key, and the tag of its value."""
    key = name.encode()
    return b"\n" + bytes([len(key)]) + key + b"\x12"
