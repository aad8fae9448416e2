"""ExampleGen: every kind of source gives the same examples."""

from __future__ import annotations

import gzip
import pathlib

import pytest

from tests.components.example_gen.ingestion import (
    ingest,
    many,
    read,
    write,
)
from tfx_pipeline import errors

pytestmark = pytest.mark.tensorflow


def test_how_files_may_come(tmp_path):
    body = many("id;name\n", "{i};n{i}\n")
    plain = write(tmp_path / "plain" / "t.csv", body)
    write(tmp_path / "plain" / "README.md", "not data")
    write(tmp_path / "plain" / ".hidden.csv", "x\n1\n")
    expected = read(ingest(tmp_path / "1", plain.parent, delimiter=";")[0])
    gz = write(tmp_path / "gz" / "t.csv.gz", gzip.compress(body.encode()))
    bom = write(tmp_path / "bom" / "t.csv", b"\xef\xbb\xbf" + body.encode())
    crlf = write(tmp_path / "crlf" / "t.csv", body.replace("\n", "\r\n"))
    for number, source in enumerate((plain, gz.parent, gz, bom, crlf), 2):
        artifact, output, _ = ingest(tmp_path / str(number), source, delimiter=";")
        assert output is None
        assert read(artifact) == expected, source


def test_parquet_gives_the_same_as_csv(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    csv = write(tmp_path / "c" / "t.csv", many("id,name,x\n", "{i},n{i},{i}.5\n") + ",,\n")
    table = pa.table(
        {
            "id": pa.array([*range(60), None], pa.int32()),
            "name": pa.array([*(f"n{i}" for i in range(60)), None]).dictionary_encode(),
            "x": pa.array([*(i + 0.5 for i in range(60)), None]),
        }
    )
    (tmp_path / "p").mkdir()
    parquet.write_table(table, tmp_path / "p" / "t.parquet")
    expected = read(ingest(tmp_path / "1", csv.parent)[0])
    assert read(ingest(tmp_path / "2", tmp_path / "p", format="parquet")[0]) == expected


def test_tfrecords_pass_through(tmp_path):
    csv = write(tmp_path / "c" / "t.csv", many("id,name\n", "{i},n{i}\n"))
    artifact, _, _ = ingest(tmp_path / "1", csv.parent)
    expected = read(artifact)
    folder = tmp_path / "records"
    folder.mkdir()
    for number, path in enumerate(pathlib.Path(artifact.uri).glob("*/*.gz")):
        (folder / f"{number}.tfrecord.gz").write_bytes(path.read_bytes())
    again, output, _ = ingest(tmp_path / "2", folder, format="tfrecord")
    assert output is None
    assert {s: sorted(r) for s, r in read(again).items()} == {
        s: sorted(r) for s, r in expected.items()
    }


def test_excluded_columns_are_left_out(tmp_path):
    csv = write(tmp_path / "c" / "t.csv", many("id,secret\n", "{i},n{i}\n"))
    artifact, _, _ = ingest(tmp_path, csv.parent, exclude=["secret"], label="id")
    assert not any(b"secret" in row for rows in read(artifact).values() for row in rows)
    with pytest.raises(errors.ConfigError, match="label"):
        ingest(tmp_path / "2", csv.parent, exclude=["id"], label="id")


def as_tfrecords(folder, rows):
    """Rows of texts and integers as a TFRecord file."""
    import tensorflow as tf

    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "rows.tfrecord")) as writer:
        for row in rows:
            example = tf.train.Example()
            for name, value in row.items():
                feature = example.features.feature[name]
                if isinstance(value, str):
                    feature.bytes_list.value.append(value.encode())
                else:
                    feature.int64_list.value.append(value)
            writer.write(example.SerializeToString(deterministic=True))
    return folder


def test_an_empty_text_is_missing_in_every_source(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"id": i, "name": f"n{i}" if i % 3 else "", "x": "same"} for i in range(90)]
    csv = "id,name,x\n" + "".join(f"{r['id']},{r['name']},{r['x']}\n" for r in rows)
    write(tmp_path / "csv" / "t.csv", csv)
    (tmp_path / "parquet").mkdir()
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "parquet" / "t.parquet")
    (tmp_path / "words").mkdir()
    words = pa.Table.from_pylist(rows)
    words = words.set_column(1, "name", words["name"].dictionary_encode())
    parquet.write_table(words, tmp_path / "words" / "t.parquet")
    as_tfrecords(tmp_path / "tfrecord", rows)
    expected = read(ingest(tmp_path / "1", tmp_path / "csv")[0])
    for number, name in enumerate(["parquet", "words", "tfrecord"], 2):
        file_format = "tfrecord" if name == "tfrecord" else "parquet"
        found = ingest(tmp_path / str(number), tmp_path / name, format=file_format)
        assert read(found[0]) == expected, name


def test_excluded_columns_are_left_out_of_tfrecords(tmp_path):
    rows = [{"id": i, "secret": f"s{i}"} for i in range(90)]
    source = as_tfrecords(tmp_path / "with", rows)
    without = as_tfrecords(tmp_path / "without", [{"id": i} for i in range(90)])
    found = ingest(tmp_path / "1", source, format="tfrecord", exclude=["secret"])[0]
    assert read(found) == read(ingest(tmp_path / "2", without, format="tfrecord")[0])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", ["time", "duration", "timestamp"])
def test_times_are_seconds_whatever_the_unit(tmp_path, kind, unit):
    import pyarrow as pa
    import tensorflow as tf
    from pyarrow import parquet

    types = {
        "time": (pa.time32 if unit in ("s", "ms") else pa.time64)(unit),
        "duration": pa.duration(unit),
        "timestamp": pa.timestamp(unit),
    }
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    seconds = [3600 + i for i in range(90)]
    integers = pa.int32() if types[kind].bit_width == 32 else pa.int64()
    values = pa.array([s * factor + factor // 2 for s in seconds], integers).cast(types[kind])
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "t.parquet"
    parquet.write_table(pa.table({"at": values}), path)
    artifact, output, _ = ingest(tmp_path, path.parent, format="parquet")
    assert output is None
    rows = [tf.train.Example.FromString(r) for part in read(artifact).values() for r in part]
    assert sorted(r.features.feature["at"].int64_list.value[0] for r in rows) == seconds
