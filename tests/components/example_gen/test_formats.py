"""The same rows in every format give the same examples, splits and statistics."""

from __future__ import annotations

import datetime
import json
import pathlib

import pyarrow as pa
import pytest
from pyarrow import orc, parquet

from tests.components.example_gen import tables
from tests.components.example_gen.ingestion import ingest, many, read, refused, write
from tests.components.example_gen.tables import COLUMNS, FORMATS

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csv")
    source, options = tables.make(folder / "data", "csv")
    artifact, output, _ = ingest(folder, source, columns=COLUMNS, **options)
    assert output is None, output
    return artifact


def columns_of(artifact):
    """The Arrow columns beside the examples."""
    found = {}
    for path in sorted(pathlib.Path(artifact.uri).rglob("*.arrow")):
        with pa.OSFile(str(path)) as file:
            found[path.parent.name] = pa.ipc.open_file(file).read_all()
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_examples_and_columns_of_csv(tmp_path, expected, name):
    source, options = tables.make(tmp_path / "data", name)
    artifact, output, _ = ingest(tmp_path, source, columns=COLUMNS, **options)
    assert output is None, output
    assert read(artifact) == read(expected)
    ours, theirs = columns_of(artifact), columns_of(expected)
    assert ours.keys() == theirs.keys()
    assert all(ours[split].equals(theirs[split]) for split in ours)


@pytest.mark.parametrize("file_format", ["parquet", "orc"])
def test_folders_that_name_a_columns_value(tmp_path, expected, file_format):
    rows = [{**row, "part": row["id"] % 3} for row in tables.ROWS]
    for row in rows:
        row["part"] = row["part"] or None
    flat = [{**row, "part": row["part"]} for row in rows]
    csv = write(tmp_path / "csv" / "t.csv", tables.csv_text(flat))
    whole = read(ingest(tmp_path / "1", csv, columns=COLUMNS)[0])
    for part in (1, 2, None):
        name = "__HIVE_DEFAULT_PARTITION__" if part is None else part
        folder = tmp_path / "parts" / f"part={name}"
        folder.mkdir(parents=True)
        table = tables.arrow_table([r for r in rows if r["part"] == part])
        if file_format == "orc":
            orc.write_table(table, str(folder / "t.orc"))
        else:
            parquet.write_table(table, folder / "t.parquet")
    write(tmp_path / "parts" / "_SUCCESS", "")
    artifact, output, properties = ingest(
        tmp_path / "2", tmp_path / "parts", format=file_format, columns=COLUMNS
    )
    assert output is None, output
    assert {s: sorted(r) for s, r in read(artifact).items()} == {
        s: sorted(r) for s, r in whole.items()
    }
    before = properties["input_fingerprint"]
    (tmp_path / "parts" / "part=2").rename(tmp_path / "parts" / "part=7")
    again = ingest(tmp_path / "3", tmp_path / "parts", format=file_format, columns=COLUMNS)[2]
    assert again["input_fingerprint"] != before


def test_values_of_folders_are_text_unless_all_are_whole_numbers(tmp_path):
    import tensorflow as tf

    for part in ("1", "02", "a%2Fb"):
        folder = tmp_path / "data" / f"part={part}"
        folder.mkdir(parents=True)
        parquet.write_table(pa.table({"id": list(range(40))}), folder / "t.parquet")
    artifact, output, _ = ingest(tmp_path, tmp_path / "data", format="parquet")
    assert output is None, output
    rows = [tf.train.Example.FromString(r) for part in read(artifact).values() for r in part]
    found = {row.features.feature["part"].bytes_list.value[0] for row in rows}
    assert found == {b"1", b"02", b"a/b"}


@pytest.mark.parametrize("file_format", ["parquet", "orc", "jsonl", "avro"])
def test_files_of_one_folder_may_lack_columns(tmp_path, file_format):
    rows = [{"id": i, "x": i * 0.5 if i < 60 else None} for i in range(120)]
    csv = write(tmp_path / "csv" / "t.csv", tables.csv_text(rows))
    whole = read(ingest(tmp_path / "1", csv)[0])
    folder = tmp_path / "data"
    folder.mkdir()
    for name, part in {"a": rows[:60], "b": [{"id": r["id"]} for r in rows[60:]]}.items():
        if file_format == "jsonl":
            write(folder / f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in part))
        elif file_format == "avro":
            import fastavro

            types = {"id": "long", "x": "double"}
            fields = [{"name": key, "type": types[key]} for key in part[0]]
            with (folder / f"{name}.avro").open("wb") as file:
                fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, part)
        else:
            table = pa.Table.from_pylist(part)
            path = str(folder / f"{name}.{file_format}")
            (orc if file_format == "orc" else parquet).write_table(table, path)
    artifact, output, _ = ingest(tmp_path / "2", folder, format=file_format)
    assert output is None, output
    assert read(artifact) == whole


def test_columns_within_columns_have_names_with_a_dot(tmp_path):
    rows = [{"id": i, "place": {"city": f"c{i % 3}", "at": {"x": i}}} for i in range(120)]
    flat = [{"id": i, "place.city": f"c{i % 3}", "place.at.x": i} for i in range(120)]
    expected = read(ingest(tmp_path / "1", write(tmp_path / "c.csv", tables.csv_text(flat)))[0])
    lines = write(tmp_path / "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert read(ingest(tmp_path / "2", lines, format="jsonl")[0]) == expected
    for number, (name, module) in enumerate({"parquet": parquet, "orc": orc}.items(), 3):
        path = tmp_path / f"t.{name}"
        module.write_table(pa.Table.from_pylist(rows), str(path))
        assert read(ingest(tmp_path / str(number), path, format=name)[0]) == expected


WHEN = [datetime.datetime(2024, 1, 1 + i % 28, i % 24, 5) for i in range(90)]


@pytest.mark.parametrize(
    ("declared", "form"),
    [
        ("datetime", "%Y-%m-%dT%H:%M:%S"),
        ({"type": "datetime", "format": "%d/%m/%Y %H.%M"}, "%d/%m/%Y %H.%M"),
    ],
)
def test_a_declared_date_is_the_text_that_a_csv_file_has(tmp_path, declared, form):
    text = "id,when\n" + "".join(f"{i},{when.strftime(form)}\n" for i, when in enumerate(WHEN))
    options = {"columns": {"when": declared}}
    expected = read(ingest(tmp_path / "1", write(tmp_path / "t.csv", text), **options)[0])
    table = pa.table({"id": list(range(90)), "when": WHEN})
    for number, (name, module) in enumerate({"parquet": parquet, "orc": orc}.items(), 2):
        module.write_table(table, str(tmp_path / f"t.{name}"))
        artifact, output, _ = ingest(
            tmp_path / str(number), tmp_path / f"t.{name}", format=name, **options
        )
        assert output is None, output
        assert read(artifact) == expected


def test_lists_need_to_be_declared(tmp_path):
    import tensorflow as tf

    rows = [{"id": i, "tags": ["a", f"b{i}"]} for i in range(90)]
    path = write(tmp_path / "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    message, _ = refused(tmp_path / "1", path, format="jsonl")
    assert "tags: wrong type: t.jsonl: found values of type list<item: string>" in message
    assert "Set columns: {tags: list}" in message
    artifact, output, _ = ingest(tmp_path / "2", path, format="jsonl", columns={"tags": "list"})
    assert output is None, output
    record = read(artifact)["train"][0]
    feature = tf.train.Example.FromString(record).features.feature["tags"]
    assert json.loads(feature.bytes_list.value[0])[0] == "a"


def test_markers_of_missing_values_count_in_every_format(tmp_path):
    from tfx_pipeline.config.text_format import TextFormat

    rows = [
        {"id": i, "n": -999 if i % 7 == 0 else i, "t": "?" if i % 5 else "x"} for i in range(90)
    ]
    text = TextFormat(missing=("?", "-999"))
    csv = write(tmp_path / "t.csv", tables.csv_text(rows))
    expected = read(ingest(tmp_path / "1", csv, text=text)[0])
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    lines = write(tmp_path / "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    for number, path in enumerate([tmp_path / "t.parquet", lines], 2):
        options = {"format": path.suffix[1:], "text": text}
        assert read(ingest(tmp_path / str(number), path, **options)[0]) == expected


def test_numbers_beside_texts_are_text(tmp_path):
    rows = [{"id": i, "x": i if i < 60 else f"t{i}"} for i in range(120)]
    expected = read(ingest(tmp_path / "1", write(tmp_path / "c.csv", tables.csv_text(rows)))[0])
    path = write(tmp_path / "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert read(ingest(tmp_path / "2", path, format="jsonl")[0]) == expected


REFUSED = {
    "jsonl": (b'{"id": 1}\n{"id": 2\n', "no JSON lines: t.jsonl: line 2"),
    "an array": (b'[{"id": 1}]\n', "line 1: a list, where each line must be one object"),
    "not UTF-8": (b'{"id": "\xff"}\n', "line 1: not UTF-8"),
    "avro": (b"id,x\n1,2\n", "no Avro file"),
    "orc": (b"id,x\n1,2\n", "no ORC file"),
    "jsonl.gz": (b"id,x\n1,2\n", "not readable"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_of_the_format_is_refused(tmp_path, case):
    data, words = REFUSED[case]
    name = case if case in ("avro", "orc", "jsonl.gz") else "jsonl"
    path = write(tmp_path / "data" / f"t.{name}", data)
    message, _ = refused(tmp_path, path, format=name.split(".")[0])
    assert words in message
    assert "t." in message


def test_a_wrong_value_is_named_with_its_line(tmp_path):
    lines = many("", '{{"id": {i}, "x": {i}}}\n') + '\n{"id": 60, "x": "one"}\n'
    path = write(tmp_path / "t.jsonl", lines)
    message, _ = refused(tmp_path / "1", path, format="jsonl", columns={"x": "integer"})
    assert 'x: wrong type: t.jsonl line 62: expected INT, found "one"' in message
    values = [1, 0] * 30 + [2]
    parquet.write_table(pa.table({"x": values}), tmp_path / "t.parquet")
    options = {"format": "parquet", "columns": {"x": "boolean"}}
    message, _ = refused(tmp_path / "2", tmp_path / "t.parquet", **options)
    assert 't.parquet row 61: expected true or false, found "2"' in message
