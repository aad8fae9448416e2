"""`tfx-pipeline init`, as a user calls it."""

from __future__ import annotations

import json

import pytest

from tfx_pipeline import terminal
from tfx_pipeline.cli import main
from tfx_pipeline.config import loader, preflight, schema_file

HOSTILE = (
    "with space",
    "with.dot",
    "a/b",
    "a[0]",
    'quo"te',
    "it's",
    "emoji 😀",
    "年齢",
    "class",
    "def",
    "yes",
    "null",
    "1",
    "#x",
    "a: b",
    "- a",
    "{a}",
    "tab\tname",
    "Case",
    "case",
    "%d",
    "@x",
    "back\\slash",
)


def init(*arguments):
    return terminal.invoke(main.main, ["init", *map(str, arguments)])


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "My Sales (2024).csv"
    rows = "".join(f"{i % 17 * 0.5},{'abc'[i % 3]},{'ny'[i % 2]}\n" for i in range(200))
    file.write_text("price,kind,sold\n" + rows)
    return file


def test_writes_a_project_that_passes_check(table, tmp_path, capsys):
    assert init(table, "--label", "sold", "--output", tmp_path / "p") == 0
    printed = capsys.readouterr().out
    assert "label.positive" in printed
    assert "tfx-pipeline run" in printed
    files = {str(p.relative_to(tmp_path / "p")) for p in (tmp_path / "p").rglob("*") if p.is_file()}
    assert files == {"pipeline.yaml", "schema/my-sales-2024.pbtxt", ".gitignore", "README.md"}
    assert len((tmp_path / "p" / "README.md").read_text().splitlines()) == 5
    config = loader.load_config(str(tmp_path / "p" / "pipeline.yaml"), ())
    assert preflight.check(config) == []
    assert config.label.positive == "y"


def test_prints_one_json_document(table, tmp_path, capsys):
    assert init(table, "--label", "sold", "--output", tmp_path, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["label"] == {
        "name": "sold",
        "task": "binary",
        "classes": {"n": 100, "y": 100},
        "positive": "y",
    }
    assert set(document["columns"]) == {"price", "kind"}


def written(folder, text, *arguments):
    """The pipeline.yaml of a table, and what it says."""
    (folder / "rows.csv").write_text(text)
    assert init(folder / "rows.csv", "--output", folder / "p", *arguments) == 0
    file = folder / "p" / "pipeline.yaml"
    return file.read_text(), loader.load_config(str(file), ())


PEOPLE = "".join(
    f"{'男女'[i % 2]},{i % 50},{i * 7 % 90 + 0.5},{'ny'[i % 3 == 0]}\n" for i in range(900)
)


def test_the_gates_warn_and_groups_of_people_are_hinted_at(tmp_path):
    text, config = written(tmp_path, f"性別,age,x,bought\n{PEOPLE}", "--label", "bought")
    assert (config.gates.drift.on_drift, config.gates.skew.on_skew) == ("warn", "warn")
    assert config.gates.bias is None
    hint = next(line for line in text.splitlines() if "bias:" in line)
    assert hint.startswith('  # bias: {groups: ["性別"], min_rate_ratio: 0.8}')
    file = tmp_path / "p" / "pipeline.yaml"
    file.write_text(text.replace("  # bias:", "  bias:"))
    config = loader.load_config(str(file), ())
    assert config.gates.bias.groups == ("性別",)
    assert preflight.check(config) == []


def test_a_regression_has_no_rates_in_the_hint(tmp_path):
    text, _ = written(tmp_path, f"Geschlecht,age,x,y\n{PEOPLE}", "--label", "x")
    assert "  # bias: {groups: [Geschlecht]} " in text


def test_splits_by_a_key_differ_by_how_they_are_made(tmp_path):
    rows = "".join(f"c{i % 60},{i % 17 * 0.5},{'ny'[i * 7 % 5 == 0]}\n" for i in range(900))
    _, config = written(tmp_path, f"customer_id,price,bought\n{rows}", "--label", "bought")
    assert config.data.split.by == "customer_id"  # also a column that leaks: it is kept
    assert "customer_id" not in config.features
    assert config.gates.drift is not None
    assert config.gates.skew is None


def test_without_a_label_lists_candidates(table, tmp_path, capsys):
    assert init(table, "--output", tmp_path / "p") == 2
    assert "sold" in capsys.readouterr().out.splitlines()[1]
    assert not (tmp_path / "p").exists()
    assert init(table, "--json") == 2
    assert json.loads(capsys.readouterr().out)["candidates"][0]["column"] == "sold"


def test_a_project_that_check_refuses_is_not_left_behind(table, tmp_path, capsys):
    assert init(table, "--label", "sold", "--output", tmp_path, "--name", "Not a name") == 2
    assert "name" in capsys.readouterr().err
    assert not (tmp_path / "pipeline.yaml").exists()
    assert not (tmp_path / "README.md").exists()


def test_never_overwrites_a_file_unless_told_to(table, tmp_path, capsys):
    (tmp_path / "README.md").write_text("mine")
    assert init(table, "--label", "sold", "--output", tmp_path) == 2
    assert "README.md exists already" in capsys.readouterr().err
    assert not (tmp_path / "pipeline.yaml").exists()
    assert init(table, "--label", "sold", "--output", tmp_path, "--force") == 0
    assert (tmp_path / "README.md").read_text() != "mine"


def test_hostile_names_are_written_so_that_they_are_read_back(tmp_path, capsys):
    import csv

    file = tmp_path / "t.csv"
    with open(file, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*HOSTILE, "label"])
        for i in range(200):
            writer.writerow([*((i * (k + 3)) % 89 * 0.5 for k in range(len(HOSTILE))), i % 2])
    assert init(file, "--label", "label", "--output", tmp_path) == 0, capsys.readouterr().err
    config = loader.load_config(str(tmp_path / "pipeline.yaml"), ())
    assert tuple(config.features) == HOSTILE
    schema = schema_file.summarise(schema_file.read_schema(config.schema_source.path))
    assert set(schema.types) == {*HOSTILE, "label"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("absent.csv", ["absent.csv does not exist"]),
        ("*.parquet", ["no file matches"]),
        ("s3://bucket/x.csv", ["s3://"]),
        (".", ["."]),
    ],
)
def test_data_that_is_not_there_is_one_sentence(data, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert init(data, "--label", "y") == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words)
    assert "Traceback" not in error


@pytest.fixture
def database(table, tmp_path):
    """The table in SQLite, with a column that is no number for two rows."""
    import csv
    import sqlite3

    with open(table, newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE sales (price REAL, kind TEXT, sold TEXT)")
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.mark.parametrize(
    "rows", [("--table", "sales"), ("--query", "SELECT * FROM sales WHERE price < 100")]
)
def test_a_database_is_decided_like_a_file(database, tmp_path, rows, capsys):
    folder = tmp_path / "p"
    assert init(database, *rows, "--label", "sold", "--output", folder, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["rows"] == 200
    assert said["columns"]["price"]["type"] == "number"
    config = loader.load_config(str(folder / "pipeline.yaml"), ())
    assert config.data.format == "sql"
    assert 'url: "sqlite:///../shop.db"' in (folder / "pipeline.yaml").read_text()
    assert config.label.positive == "y"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "sold"], "a database needs either --query or --table"),
        (["--table", "absent", "--label", "sold"], "refuses the query: no such table: absent"),
        (["--query", "SELECT * FROM sales WHERE price < 0", "--label", "sold"], "returns no rows"),
        (["--query", "SELECT price, price FROM sales"], "returns the column 'price' twice"),
    ],
)
def test_a_database_without_such_rows(database, arguments, message, capsys):
    assert init(database, *arguments) in (1, 2, 3)
    assert message in capsys.readouterr().err


def test_a_password_in_the_url_is_refused_and_not_printed(capsys):
    assert init("postgresql://me:geheim@localhost/shop", "--table", "x") == 2
    said = capsys.readouterr()
    assert "TFX_PIPELINE_DATA_PASSWORD" in said.err
    assert "geheim" not in said.err + said.out


def test_a_table_name_for_a_file_is_refused(table, capsys):
    assert init(table, "--table", "sales") == 2
    assert "--table" in capsys.readouterr().err
