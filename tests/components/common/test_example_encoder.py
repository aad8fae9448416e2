"""Encoding by column gives the bytes of protobuf's deterministic serialisation."""

from __future__ import annotations

import hashlib
import random
import struct

import numpy as np
import pyarrow as pa
import pytest

from tfx_pipeline.components.common import example_encoder, protobuf_wire
from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.example_gen import split_writer, type_inference

pytestmark = pytest.mark.tensorflow

TYPES = {
    Kind.EMPTY: pa.null(),
    Kind.INT: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.BYTES: pa.binary(),
}
LISTS = {Kind.INT: "int64_list", Kind.FLOAT: "float_list", Kind.BYTES: "bytes_list"}
POWERS = [sign * 2 ** (7 * n) + d for n in range(1, 9) for sign in (1, -1) for d in (-1, 0, 1)]
INTS = [0, 1, -1, 2**63 - 1, -(2**63), *POWERS]  # POWERS: 127, 128, 16383, 16384 and so on
FLOATS = [0.0, -0.0, 1.5, 1e39, -1e39, 1e-45, -1e-46, 2.0**-149, 1e-310, 16777217.0]
FLOATS += [float("inf"), float("-inf"), float("nan"), -float("nan")]
LENGTHS = [0, 1, 101, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16383, 16384, 70000]
TEXTS = [b"", b"\0", b"\xff\xfe", "größe ☃".encode(), *(b"x" * n for n in LENGTHS)]


def encoded(columns):
    """Records and keys of columns given as (kind, values)."""
    arrays = {name: pa.array(values, TYPES[kind]) for name, (kind, values) in columns.items()}
    block = example_encoder.encode(arrays, {name: kind for name, (kind, _) in columns.items()})
    return block.records.to_pylist(), block.keys.to_pylist()


def expected(columns):
    """The same from tf.train.Example."""
    import tensorflow as tf

    count = len(next(iter(columns.values()))[1])
    pairs = [(tf.train.Example(), tf.train.Example()) for _ in range(count)]
    for name, (kind, values) in columns.items():
        for value, (record, key) in zip(values, pairs, strict=True):
            features = [example.features.feature[name] for example in (record, key)]
            if kind == Kind.EMPTY:
                continue
            getattr(features[1], LISTS[kind]).SetInParent()
            if value is None:
                continue
            if kind == Kind.FLOAT:
                with np.errstate(over="ignore"):
                    value = np.float32(value)
            for feature in features:
                getattr(feature, LISTS[kind]).value.append(value)
    serialized = [[e.SerializeToString(deterministic=True) for e in pair] for pair in pairs]
    return [pair[0] for pair in serialized], [pair[1] for pair in serialized]


COLUMNS = {
    "integers": {"i": (Kind.INT, INTS)},
    "integers that repeat": {"i": (Kind.INT, INTS * 20)},
    "integers of one size": {"i": (Kind.INT, list(range(1_400_000_000, 1_400_002_000)))},
    "integers with nulls": {"i": (Kind.INT, [None, *INTS, None])},
    "repeated integers with nulls": {"i": (Kind.INT, [7, None, -7, 300] * 300)},
    "repeated at first only": {"i": (Kind.INT, [3] * 512 + INTS)},
    "floats": {"f": (Kind.FLOAT, FLOATS)},
    "floats with nulls": {"f": (Kind.FLOAT, [None, *FLOATS, None] * 3)},
    "texts": {"t": (Kind.BYTES, TEXTS)},
    "texts that repeat": {"t": (Kind.BYTES, [*TEXTS, None] * 20)},
    "texts with nulls": {"t": (Kind.BYTES, [None, *TEXTS, None])},
    "empty texts only": {"t": (Kind.BYTES, [b""] * 3)},
    "booleans": {"b": (Kind.INT, [0, 1, 1, None, 0])},
    "no value": {"e": (Kind.EMPTY, [None] * 3), "i": (Kind.INT, [None] * 3)},
    "no value of any kind": {kind.name: (kind, [None, None]) for kind in Kind},
    "one row": {"i": (Kind.INT, [-5]), "f": (Kind.FLOAT, [0.5]), "t": (Kind.BYTES, [b"a"])},
    "one row without values": {"i": (Kind.INT, [None]), "t": (Kind.BYTES, [None])},
    "no row": {"i": (Kind.INT, []), "t": (Kind.BYTES, [])},
    "names": {
        name: (kind, [*values, None])
        for name in ("", "ß", "größe ☃", "\U0001f600", "\uffee", "Z", "a b", "n" * 127, "m" * 300)
        for kind, values in [(Kind.INT, [1, -1, 128])]
    },
}


@pytest.mark.parametrize("name", COLUMNS)
def test_bytes_are_protobufs(name):
    assert encoded(COLUMNS[name]) == expected(COLUMNS[name])


@pytest.mark.parametrize("length", range(118, 132))
def test_lengths_about_128_in_every_head(length):
    columns = {"x" * n: (Kind.BYTES, [b"y" * length]) for n in (1, 2, 110)}
    columns["z" * length] = (Kind.FLOAT, [1.0])
    columns["i" * length] = (Kind.INT, [-1])
    assert encoded(columns) == expected(columns)


def random_columns(rng):
    rows, columns = rng.choice([1, 2, 3, 700]), {}
    for _ in range(rng.randint(1, 8)):
        kind = rng.choice(list(Kind))
        some = [random_value(rng, kind) for _ in range(rng.choice([1, 5, 2000]))]
        nulls = rng.choice([0, 0, 0.1, 0.99])
        values = [None if rng.random() < nulls else rng.choice(some) for _ in range(rows)]
        columns["".join(rng.choices("abß☃Z ", k=rng.randint(1, 6)))] = (kind, values)
    return columns


def random_value(rng, kind):
    if kind == Kind.INT:
        return rng.randint(-(2**63), 2**63 - 1) >> rng.randint(0, 63)
    if kind == Kind.FLOAT:
        return struct.unpack("<d", rng.randbytes(8))[0] if rng.random() < 0.3 else rng.gauss(0, 9)
    return rng.randbytes(rng.choice([0, 3, 20, 130, 300])) if kind == Kind.BYTES else None


@pytest.mark.parametrize("seed", range(40))
def test_random_columns(seed):
    columns = random_columns(random.Random(seed))
    assert encoded(columns) == expected(columns)


def test_slices_and_strings_are_encoded_as_they_are():
    texts = pa.array(["a", None, "größe", "b" * 200, "", "z"])
    numbers = pa.array([1, None, -3, 2**40, None, 6])
    kinds = {"t": Kind.BYTES, "n": Kind.INT, "f": Kind.FLOAT}
    columns = {"t": texts, "n": numbers, "f": numbers.cast(pa.float64(), safe=False)}
    whole = example_encoder.encode(columns, kinds)
    part = example_encoder.encode({k: v.slice(1, 4) for k, v in columns.items()}, kinds)
    assert part.records.to_pylist() == whole.records.to_pylist()[1:5]
    assert part.keys.to_pylist() == whole.keys.to_pylist()[1:5]


def test_keys_are_the_records_where_nothing_is_missing():
    block = example_encoder.encode({"i": pa.array([1, 2])}, {"i": Kind.INT})
    assert block.keys is block.records


def test_few_distinct_values_are_encoded_once():
    repeated = protobuf_wire.encode(b"i", pa.array([5, None, 6] * 1000), Kind.INT)
    assert len(repeated.entries) == 2
    distinct = protobuf_wire.encode(b"i", pa.array(range(3000)), Kind.INT)
    assert len(distinct.entries) == 3000


@pytest.mark.parametrize("buckets", [(6, 2, 2), (1,), (1, 1), (7, 93), (2**31 - 1, 2**31 - 1, 5)])
def test_splits_are_sha256_modulo_buckets(buckets):
    splits = split_writer.Splits(tuple((str(i), size) for i, size in enumerate(buckets)))
    keys = [b"", b"\0", *(str(i).encode() * 9 for i in range(500))]
    bounds = np.cumsum(buckets).tolist()

    def split(key):
        bucket = int(hashlib.sha256(key).hexdigest(), 16) % bounds[-1]
        return next(i for i, bound in enumerate(bounds) if bucket < bound)

    assert splits.indices(keys).tolist() == [split(key) for key in keys]
    assert splits.indices([]).tolist() == []


def test_a_remainder_of_the_largest_number():
    words = np.full((1, 16), 0xFFFF, ">u2")
    for divisor in (1, 2, 10, 2**31 - 1, 2**40 + 15):
        assert split_writer.remainders(words, divisor).tolist() == [(2**256 - 1) % divisor]


@pytest.mark.parametrize("text", ["0x10", "0XFF", "-0x1", " 5", "1_000"])
def test_an_integer_is_converted_as_python_reads_it(text):
    texts = pa.array(["1", None, text])
    try:
        value = int(text)
    except ValueError:
        with pytest.raises(type_inference.WrongValue):
            type_inference.convert(texts, Kind.INT)
    else:
        assert type_inference.convert(texts, Kind.INT).to_pylist() == [1, None, value]


@pytest.mark.parametrize("digits", [18, 19, 20, 40])
@pytest.mark.parametrize("sign", ["", "-", "+"])
def test_long_integers_among_floats_are_texts_beyond_64_bits(digits, sign):
    text = sign + "9" * digits
    expected_kind = Kind.FLOAT if digits < 19 else Kind.BYTES
    assert type_inference.infer_kind(pa.array(["1.5", None, text])) == expected_kind
    assert type_inference.infer_kind(pa.array(["1.5", None, f"{text}.0"])) == Kind.FLOAT
