"""Delimited text in all its forms gives the rows that the plain form gives."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pytest

from tests.components.example_gen.ingestion import ingest, many, read, refused, write
from tfx_pipeline.config.text_format import TextFormat

pytestmark = pytest.mark.tensorflow

PLAIN = "id,名前,price\n" + "".join(f"{i},町{i % 7},{i * 1234.5}\n" for i in range(1, 90))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return read(ingest(folder, write(folder / "data" / "t.csv", PLAIN))[0])


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def european(text: str) -> str:
    """Semicolons, decimal commas, and points between thousands."""
    lines = [line.split(",") for line in text.splitlines()]
    rows = [[i, n, f"{float(p):,.1f}".translate({44: ".", 46: ","})] for i, n, p in lines[1:]]
    return "\n".join(";".join(row) for row in [lines[0], *rows]) + "\n"


FORMS = {
    "utf-16": (PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
    "utf-16-le with a mark": (("\ufeff" + PLAIN).encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "cp932": (PLAIN.encode("cp932"), {"encoding": "cp932"}),
    "shift_jis": (PLAIN.encode("shift_jis"), {"encoding": "shift_jis"}),
    "gb18030": (PLAIN.encode("gb18030"), {"encoding": "gb18030"}),
    "a mark": (PLAIN.encode("utf-8-sig"), {}),
    "tabs": (PLAIN.replace(",", "\t").encode(), {"delimiter": "\t"}),
    "single quotes": (PLAIN.replace("町1,", "'町1',").encode(), {"quote": "'"}),
    "no quotes": (PLAIN.encode(), {"quote": ""}),
    "decimal commas": (
        european(PLAIN).encode(),
        {"delimiter": ";", "decimal": ",", "thousands": "."},
    ),
    "blanks": (PLAIN.replace(",", " , ").encode(), {"trim": True}),
    "lines before the header": (f"Report,2024\n\n{PLAIN}".encode(), {"skip_rows": 2}),
    "no header": (
        PLAIN.partition("\n")[2].encode(),
        {"header": ("id", "名前", "price")},
    ),
    "another header": (
        PLAIN.replace("id", "No.", 1).encode(),
        {"header": ("id", "名前", "price"), "skip_rows": 1},
    ),
    "crlf in cp932": (PLAIN.replace("\n", "\r\n").encode("cp932"), {"encoding": "cp932"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_text_does_not_change_the_rows(tmp_path, expected, form):
    data, options = FORMS[form]
    path = write(tmp_path / "data" / "t.csv", data)
    artifact, output, _ = ingest(tmp_path, path, text=TextFormat(**options))
    assert output is None, output
    assert read(artifact) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".zst", zstd)])
def test_compressed_files(tmp_path, expected, encoding, ending, compress):
    write(tmp_path / "data" / f"t.csv{ending}", compress(PLAIN.encode(encoding)))
    artifact, output, _ = ingest(tmp_path, tmp_path / "data", text=TextFormat(encoding=encoding))
    assert output is None, output
    assert read(artifact) == expected


def test_several_zstd_frames_are_one_file(tmp_path, expected):
    half = len(PLAIN) // 2
    write(
        tmp_path / "data" / "t.csv.zst", zstd(PLAIN[:half].encode()) + zstd(PLAIN[half:].encode())
    )
    assert read(ingest(tmp_path, tmp_path / "data")[0]) == expected


def test_tsv_files_end_with_tsv(tmp_path, expected):
    write(tmp_path / "data" / "t.tsv", PLAIN.replace(",", "\t"))
    write(tmp_path / "data" / "t.csv", "other\n1\n")
    artifact, _, _ = ingest(tmp_path, tmp_path / "data", format="tsv", text=TextFormat("\t"))
    assert read(artifact) == expected


def test_latin_1_and_a_byte_that_utf_8_does_not_have(tmp_path):
    rows = many("id,name\n", "{i},M\u00fcller {i}\n")
    latin = write(tmp_path / "l" / "t.csv", rows.encode("latin-1"))
    expected = read(ingest(tmp_path / "1", write(tmp_path / "u" / "t.csv", rows))[0])
    assert read(ingest(tmp_path / "2", latin, text=TextFormat(encoding="iso8859-1"))[0]) == expected
    message, _ = refused(tmp_path / "3", latin)
    assert "t.csv line 2: bytes b'\\xfc' at character 4. Set data.encoding" in message


def test_markers_of_missing_values(tmp_path):
    rows = many("id,x,name\n", "{i},{i}.5,n{i}\n") + "60,,\n61,?,?\n62,NA,NA\n"
    empty = rows.replace("?", "").replace("NA", "")
    expected = read(ingest(tmp_path / "1", write(tmp_path / "e" / "t.csv", empty))[0])
    source = write(tmp_path / "m" / "t.csv", rows)
    for number, options in enumerate([{}, {"trim": True}], 2):
        text = TextFormat(missing=("?", "NA"), **options)
        types = {"x": "number"}
        artifact, output, _ = ingest(tmp_path / str(number), source, text=text, columns=types)
        assert output is None, output
        assert read(artifact) == expected


def test_columns_that_only_some_files_have(tmp_path):
    whole = "".join(f"{i},{i % 5},{f'n{i}' if i < 50 else ''}\n" for i in range(100))
    one = write(tmp_path / "one" / "t.csv", "id,x,name\n" + whole)
    lines = whole.splitlines()
    write(tmp_path / "two" / "a.csv", "\n".join(["id,x,name", *lines[:50], ""]))
    rest = ["{1},{0}".format(*line.split(",")) for line in lines[50:]]
    write(tmp_path / "two" / "b.csv", "\n".join(["x,id", *rest, ""]))
    expected = read(ingest(tmp_path / "1", one)[0])
    assert read(ingest(tmp_path / "2", tmp_path / "two")[0]) == expected


TYPES = {"zip": "text", "age": "integer", "pay": "number", "on": "boolean", "at": "datetime"}


def test_declared_types(tmp_path):
    import tensorflow as tf

    words = ["true", "No", "1", "f", "YES", ""]
    rows = "".join(f"0{i},{i},{i},{words[i % 6]},2024-01-0{i % 9 + 1}\n" for i in range(90))
    path = write(tmp_path / "data" / "t.csv", "zip,age,pay,on,at\n" + rows)
    artifact, output, _ = ingest(tmp_path, path, columns=TYPES)
    assert output is None, output
    records = [r for part in read(artifact).values() for r in part]
    found = {}
    for example in map(tf.train.Example.FromString, records):
        feature = example.features.feature
        found[feature["age"].int64_list.value[0]] = feature
    assert found[7]["zip"].bytes_list.value[:] == [b"07"]
    assert found[7]["pay"].float_list.value[:] == [7.0]
    assert found[7]["at"].bytes_list.value[:] == [b"2024-01-08"]
    assert [found[i]["on"].int64_list.value[:] for i in range(6)] == [[1], [0], [1], [0], [1], []]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("age", "1.5", 'age: wrong type: t.csv line 32: expected INT, found "1.5"'),
        ("pay", "a lot", 'pay: wrong type: t.csv line 32: expected FLOAT, found "a lot"'),
        ("on", "maybe", 'on: wrong type: t.csv line 32: expected true or false, found "maybe"'),
        ("on", "2", 'expected true or false, found "2"'),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path, column, value, expected):
    rows = [
        {"zip": f"0{i}", "age": i, "pay": i, "on": "yes", "at": "2024-01-01"} for i in range(60)
    ]
    rows[30][column] = value
    text = "\n".join([",".join(TYPES), *(",".join(map(str, r.values())) for r in rows), ""])
    message, _ = refused(tmp_path, write(tmp_path / "data" / "t.csv", text), columns=TYPES)
    assert expected in message


@pytest.mark.parametrize(
    ("value", "kind", "accepted"),
    [
        ("1.234,5", "number", True),
        ("-1.234.567", "number", True),
        ("12.34.567", "number", True),  # groups of two, as in India
        ("1.5", "number", False),
        ("1.2345", "number", False),
        (",5", "number", True),
        ("1,5e3", "number", True),
        ("nan", "number", True),
        ("1.234", "integer", True),
        ("1,5", "integer", False),
        ("1_000", "integer", False),
    ],
)
def test_numbers_with_decimal_commas(tmp_path, value, kind, accepted):
    text = TextFormat(";", decimal=",", thousands=".")
    path = write(tmp_path / "data" / "t.csv", many("id;x\n", "{i};1\n") + f"60;{value}\n")
    options = {"text": text, "columns": {"x": kind}}
    if accepted:
        assert ingest(tmp_path, path, **options)[1] is None
    else:
        message, _ = refused(tmp_path, path, **options)
        assert f"t.csv line 62: expected {'INT' if kind == 'integer' else 'FLOAT'}" in message
        assert f'found "{value}"' in message


def test_lines_are_counted_from_the_files_first(tmp_path):
    text = "Report\nof the year\n" + many("id,x\n", "{i},1\n") + "60,one\n"
    path = write(tmp_path / "data" / "t.csv", text)
    options = {"text": TextFormat(skip_rows=2), "columns": {"x": "integer"}}
    message, _ = refused(tmp_path, path, **options)
    assert 't.csv line 64: expected INT, found "one"' in message


REFUSED = {
    "not cp932": (b"id,x\n1,a\n2,\x81\n", {"encoding": "cp932"}, "t.csv line 3: bytes b'\\x81"),
    "UTF-16 as UTF-8": ("id,x\n1,a\n".encode("utf-16"), {}, "Set data.encoding: utf-16"),
    "UTF-8 as UTF-16": (b"id,x\n1,a\n2,b\n", {"encoding": "utf-16"}, "utf-16"),
    "more names than values": (b"1,a\n", {"header": ("id", "x", "y")}, "data.header has 3"),
    "all skipped": (b"id,x\n1,a\n", {"skip_rows": 5}, "expected a header and rows"),
    "cut zstd": (zstd(PLAIN.encode())[:-9], {}, "zstd"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_named(tmp_path, case):
    data, options, words = REFUSED[case]
    name = "t.csv.zst" if "zstd" in case else "t.csv"
    path = write(tmp_path / "data" / name, data)
    message, _ = refused(tmp_path, path, text=TextFormat(**options))
    assert words in message
    assert name in message
