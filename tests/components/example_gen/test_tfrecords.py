"""TFRecord files whose records do not fit each other: named by column, file and record."""

from __future__ import annotations

import pytest

from tests.components.example_gen.ingestion import ingest, read, refused

pytestmark = pytest.mark.tensorflow

FIELDS = {int: "int64_list", float: "float_list", bytes: "bytes_list"}
GOOD = {"price": 1.5, "city": b"Oslo"}


def save(path, rows):
    """Writes rows; a value is one value or a list of values, and bytes in place of a row stay."""
    import tensorflow as tf

    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            writer.write(row if isinstance(row, bytes) else _example(row).SerializeToString())


def _example(row):
    import tensorflow as tf

    example = tf.train.Example()
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        getattr(example.features.feature[name], FIELDS[type(values[0])]).value.extend(values)
    return example


def findings(tmp_path, **options):
    return refused(tmp_path, tmp_path / "data", format="tfrecord", **options)[1]


def test_two_types_in_one_file(tmp_path):
    save(tmp_path / "data" / "a.tfrecord", [GOOD, GOOD, {**GOOD, "price": 2}, GOOD])
    message, found = refused(tmp_path, tmp_path / "data", format="tfrecord")
    assert found == [
        ("price", "values of several types", "FLOAT: a.tfrecord record 1; INT: a.tfrecord record 3")
    ]
    assert "price: values of several types: FLOAT: a.tfrecord record 1; INT" in message


def test_two_types_in_two_files(tmp_path):
    save(tmp_path / "data" / "a.tfrecord", [GOOD] * 20)
    save(tmp_path / "data" / "b.tfrecord", [{"city": b"Rome"}, {"price": 1, "city": 2}])
    assert findings(tmp_path) == [
        ("city", "values of several types", "BYTES: a.tfrecord record 1; INT: b.tfrecord record 2"),
        (
            "price",
            "values of several types",
            "FLOAT: a.tfrecord record 1; INT: b.tfrecord record 2",
        ),
    ]


def test_a_record_far_into_the_file(tmp_path):
    save(tmp_path / "data" / "a.tfrecord", [GOOD] * 9000 + [{**GOOD, "price": 2}])
    ((_, _, found),) = findings(tmp_path)
    assert found == "FLOAT: a.tfrecord record 1; INT: a.tfrecord record 9001"


def test_a_record_that_is_no_example(tmp_path):
    save(tmp_path / "data" / "a.tfrecord", [GOOD] * 9000 + [b"\xff\xff", GOOD])
    assert findings(tmp_path) == [
        ("(file)", "no TFRecord of tf.Examples", "a.tfrecord: record 9001 is no tf.Example")
    ]


def test_a_file_that_is_cut_off(tmp_path):
    save(tmp_path / "data" / "a.tfrecord", [GOOD] * 100)
    path = tmp_path / "data" / "a.tfrecord"
    path.write_bytes(path.read_bytes()[:-5])
    ((subject, rule, found),) = findings(tmp_path)
    assert (subject, rule) == ("(file)", "no TFRecord of tf.Examples")
    assert found.startswith("a.tfrecord: ")


@pytest.mark.parametrize("other", [b"", None])
def test_a_missing_value_has_any_type(tmp_path, other):
    row = {"price": 2.5} if other is None else {"price": other}
    save(tmp_path / "data" / "a.tfrecord", [{**r, "id": i} for i in range(20) for r in (GOOD, row)])
    artifact, output, _ = ingest(tmp_path, tmp_path / "data", format="tfrecord")
    assert output is None
    assert sum(map(len, read(artifact).values())) == 40


def test_an_excluded_column_may_have_several(tmp_path):
    save(tmp_path / "data" / "a.tfrecord", [{"price": i / 2, "id": i} for i in range(40)])
    save(tmp_path / "data" / "b.tfrecord", [{**GOOD, "id": b"x"}, {**GOOD, "id": 1.5}])
    output = ingest(tmp_path, tmp_path / "data", format="tfrecord", exclude=["id"])[1]
    assert output is None
