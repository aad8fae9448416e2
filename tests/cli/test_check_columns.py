"""`tfx-pipeline check` and the columns of sources whose files have no header."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tfx_pipeline import terminal
from tfx_pipeline.cli import main

ROWS = [{"price": 1.5, "city": "Rome", "place": {"zip": "1"}, "bought": i % 2} for i in range(20)]
MISSING = "features.prize: the data has no column 'prize' ({})"


def check(*arguments):
    return terminal.invoke(main.main, ["check", *map(str, arguments)])


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pipeline.yaml").write_text(
        "name: shop\n"
        "data: {path: rows.jsonl, format: jsonl}\n"
        "label: {name: bought, task: binary}\n"
        "features: {price: {transform: zscore}, place.zip: {transform: hash, buckets: 9}}\n"
    )
    return tmp_path


def write_lines(folder):
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "rows.jsonl").write_text("\ufeff" + text, encoding="utf-8")
    return folder / "rows.jsonl"


def write_avro(folder):
    import fastavro

    place = {"type": "record", "name": "place", "fields": [{"name": "zip", "type": "string"}]}
    fields = [
        {"name": "price", "type": "double"},
        {"name": "city", "type": "string"},
        {"name": "place", "type": place},
        {"name": "bought", "type": "int"},
    ]
    schema = fastavro.parse_schema({"type": "record", "name": "row", "fields": fields})
    with open(folder / "rows.avro", "wb") as stream:
        fastavro.writer(stream, schema, ROWS)
    return folder / "rows.avro"


@pytest.mark.parametrize(("form", "write"), [("jsonl", write_lines), ("avro", write_avro)])
def test_the_first_rows_name_the_columns(project, form, write, capsys):
    file = write(project)
    config = [
        "--config",
        project / "pipeline.yaml",
        "--set",
        f"data={{path: {file}, format: {form}}}",
    ]
    assert check(*config) == 0
    capsys.readouterr()
    assert check(*config, "--set", "features={prize: {transform: zscore}}") == 2
    assert MISSING.format(file) in capsys.readouterr().err
    others = ["--set", "features={a: {transform: zscore}}", "--set", "label.name=b"]
    assert check(*config, *others) == 2
    found = capsys.readouterr().err
    assert f"{file} has none of the columns; it has 'price', 'city', 'place.zip', 'bought'" in found


@pytest.mark.parametrize("text", ["price,bought\n1,1\n", "[1, 1]\n"])
def test_a_file_that_is_not_of_its_format_is_left_to_the_run(project, capsys, text):
    (project / "rows.jsonl").write_text(text)
    assert check("--config", project / "pipeline.yaml") == 0


@pytest.fixture
def database(project):
    connection = sqlite3.connect(project / "shop.db")
    connection.execute("CREATE TABLE sales (price REAL, city TEXT, bought INTEGER)")
    connection.commit()
    connection.close()
    return ["--config", project / "pipeline.yaml", "--set", "features={price: {transform: zscore}}"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("table: sales", None),
        ('query: "SELECT price AS prize, bought FROM sales"', "no column 'price' (the query). Did"),
        ("query: SELECT city FROM sales", "data.url: the query has none of the columns; it has"),
        ("table: sale", "data.table: the database sqlite:///"),
        ("query: SELEC 1", "data.query: the database sqlite:///"),
    ],
)
def test_the_columns_of_a_query(database, asked, message, project, capsys):
    data = f"data={{format: sql, url: 'sqlite:///{project / 'shop.db'}', {asked}}}"
    code = check(*database, "--set", data)
    printed = capsys.readouterr().err
    assert code == (2 if message else 0), printed
    assert message is None or message in printed


def test_a_server_that_cannot_be_reached_is_only_named(database, capsys):
    data = "data={format: sql, url: 'postgresql://me@127.0.0.1:1/shop', table: sales}"
    assert check(*database, "--set", data) == 0
    assert "The columns are not checked: the database" in capsys.readouterr().err
