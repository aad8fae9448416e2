"""ExampleGen refuses data it cannot read, with file, line, column and rule."""

from __future__ import annotations

import gzip

import pytest

from tests.components.example_gen.ingestion import ingest, many, read, refused, schema_file, write
from tfx_pipeline import errors

pytestmark = pytest.mark.tensorflow

REFUSED = {
    "empty file": ("", "empty file", "header"),
    "header only": ("id,x\n", "no rows", "only a header"),
    "invalid UTF-8": (b"id,x\n1,a\n2,\xff\xfe\n", "invalid UTF-8", "t.csv line 3"),
    "invalid UTF-8 in the header": (b"id,\xff\n1,a\n", "invalid UTF-8", "line 1"),
    "ragged": ('id,x\n1,"a\nb"\n2\n3,4,5\n', "ragged row", "t.csv line 4: 1 values"),
    "NUL": (b"id,x\n1,a\x00b\n", "NUL byte", "line 2"),
    "bare CR": (b"id,x\n1,a\n2,b\rc\n", "line break in a value", "t.csv line 3: a carriage"),
    "UTF-16": ("id,x\n1,a\n".encode("utf-16"), "NUL byte", "line 1"),
    "named twice": ("id,x,id\n1,2,3\n", "column named twice", "'id'"),
    "no name": (",id\n1,2\n", "column without a name", "column 1. Name it"),
    "no name at the end": ("id,x,\n1,2,\n", "column without a name", "column 3. Name it"),
    "wrong integer": ("id,x\n1,2\nabc,3\n", "wrong type", 'line 3: expected INT, found "abc"'),
    "float for int": ("id,x\n1.5,2\n", "wrong type", 'expected INT, found "1.5"'),
    "huge integer": ("id,x\n9223372036854775808,2\n", "wrong type", "expected INT"),
    "open quote": ('id,x\n1,"abc\n2,3\n', "quote not closed", "line 2"),
    "open quote in the header": ('id,"x\n1,2\n', "quote not closed", "line 1"),
    "too small": ("id,x\n1,2\n", "split without rows", "1 rows in all"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unusable_data_is_refused(tmp_path, name):
    text, rule, found = REFUSED[name]
    write(tmp_path / "data" / "t.csv", text)
    schema = schema_file(tmp_path / "schema.pbtxt", id="INT", absent="FLOAT")
    message, findings = refused(tmp_path, tmp_path / "data", schema_path=schema)
    assert findings[0][1] == rule, findings
    assert found in findings[0][2]
    assert ("t.csv" in message) == (rule != "split without rows")


def test_wrong_values_are_counted_and_the_first_are_shown(tmp_path):
    write(tmp_path / "data" / "t.csv", many("fare\n", "x{i}\n", 1000))
    schema = schema_file(tmp_path / "schema.pbtxt", fare="FLOAT")
    message, findings = refused(tmp_path, tmp_path / "data", schema_path=schema)
    assert len(findings) == 20
    assert findings[0] == ("fare", "wrong type", 't.csv line 2: expected FLOAT, found "x0"')
    assert "and 999 more" in message


def test_no_files_and_no_folder_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty" / "README.md", "nothing")
    assert refused(tmp_path / "1", tmp_path / "empty")[1][0][1] == "no files"
    assert refused(tmp_path / "2", tmp_path / "absent")[1][0][1] == "does not exist"
    assert refused(tmp_path / "3", tmp_path / "absent.csv")[1][0][1] == "does not exist"


def test_files_without_a_common_column_are_refused(tmp_path):
    write(tmp_path / "data" / "a.csv", "id,x\n1,2\n")
    write(tmp_path / "data" / "b.csv", "3,4\n5,6\n")
    message, _ = refused(tmp_path, tmp_path / "data")
    assert "b.csv: different header: none of the columns of a.csv" in message
    assert "data.header" in message


def test_columns_without_a_name_can_be_left_out(tmp_path):
    write(tmp_path / "a" / "t.csv", many(",id,x,\n", "{i},{i},1,\n"))
    artifact, output, _ = ingest(tmp_path / "1", tmp_path / "a", exclude=[""])
    assert output is None, output
    write(tmp_path / "b" / "t.csv", many("id,x\n", "{i},1\n"))
    assert read(artifact) == read(ingest(tmp_path / "2", tmp_path / "b")[0])
    path = write(tmp_path / "t.jsonl", '{"": 1, "x": 2}\n')
    message, _ = refused(tmp_path / "3", path, format="jsonl")
    assert "column without a name: t.jsonl line 1: Name it" in message


def test_broken_archives_are_refused(tmp_path):
    whole = gzip.compress(many("id,x\n", "{i},some text {i}\n", 5000).encode())
    write(tmp_path / "cut" / "t.csv.gz", whole[: len(whole) // 2])
    write(tmp_path / "not" / "t.csv.gz", "id,x\n1,2\n")
    write(tmp_path / "parquet" / "t.parquet", "id,x\n1,2\n")
    write(tmp_path / "tfrecord" / "t.tfrecord", "id,x\n1,2\n")
    for name, options in {"cut": {}, "not": {}, "parquet": {"format": "parquet"}}.items():
        refused(tmp_path / "o" / name, tmp_path / name, **options)
    refused(tmp_path / "o" / "r", tmp_path / "tfrecord", format="tfrecord")


def test_a_schema_that_does_not_parse_is_one_clear_error(tmp_path):
    write(tmp_path / "data" / "t.csv", "id,x\n1,2\n")
    schema = write(tmp_path / "schema.pbtxt", "feature {")
    with pytest.raises(errors.PipelineError, match=r"schema\.pbtxt cannot be read.*schema\.path"):
        ingest(tmp_path, tmp_path / "data", schema_path=str(schema))


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    from tfx_pipeline.components.example_gen import split_writer

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(split_writer, "write", full)
    write(tmp_path / "data" / "t.csv", many("id\n", "{i}\n"))
    with pytest.raises(errors.PipelineError, match="no space left while writing examples to"):
        ingest(tmp_path, tmp_path / "data")
    assert not list((tmp_path / "examples").iterdir())


def test_an_integer_too_large_for_the_fractions_of_another_file_is_named(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    folder = tmp_path / "data"
    folder.mkdir()
    parquet.write_table(pa.table({"v": [2**53 + 1] * 60}), folder / "a.parquet")
    parquet.write_table(pa.table({"v": [0.5] * 60}), folder / "b.parquet")
    message, findings = refused(tmp_path, folder, format="parquet")
    assert "column 'v': a.parquet: expected FLOAT" in message
    assert findings[0][:2] == ("v", "wrong type")


@pytest.mark.parametrize(
    ("pattern", "good", "odd"),
    [
        ("span-{SPAN}", "span-1", "span-x"),
        ("{YYYY}-{MM}-{DD}", "2026-01-02", "2026-02-30"),
    ],
)
def test_an_unusual_folder_beside_good_spans_is_named(tmp_path, pattern, good, odd):
    for name in (good, odd):
        write(tmp_path / "d" / name / "a.csv", many("x\n", "{i}\n"))
    message, findings = refused(tmp_path, tmp_path / "d" / pattern)
    assert odd in message
    assert "there is no data" not in message
    assert odd in findings[0][2]


@pytest.mark.parametrize("change", ["more rows", "gone", "another file", "cut in a row"])
def test_a_file_that_changes_while_it_is_read_is_named(tmp_path, monkeypatch, change):
    from tfx_pipeline.components.example_gen import ingestion

    path = write(tmp_path / "data" / "t.csv", many("id,x\n", "{i},1\n"))
    write(tmp_path / "data" / "u.csv", many("id,x\n", "{i},2\n"))
    run = ingestion.run

    def changing(*args):
        if change == "more rows":
            path.write_text(path.read_text() + "61,1\n")
        elif change == "gone":
            path.unlink()
        elif change == "another file":
            write(tmp_path / "data" / "t1.csv", "id,x\n1,2\n")
        else:
            path.write_text(path.read_text()[:-2])
        run(*args)

    monkeypatch.setattr(ingestion, "run", changing)
    message, findings = refused(tmp_path, tmp_path / "data")
    name = "t1.csv" if change == "another file" else "t.csv"
    assert f"{tmp_path}/data/{name}: changed while it was read" in message
    assert findings[0][:2] == (name, "changed while it was read")
