"""Rows from databases: SQLite, DuckDB, and real PostgreSQL and MariaDB servers."""

from __future__ import annotations

import pathlib
import sqlite3

import pytest

from tests import mariadb, postgres
from tests.components.example_gen import tables
from tests.components.example_gen.ingestion import ingest, read, refused, write
from tfx_pipeline import errors
from tfx_pipeline.config.environment import DATA_PASSWORD

pytestmark = pytest.mark.tensorflow

TYPES = "id INTEGER, 名前 VARCHAR(20), amount DOUBLE PRECISION, big BIGINT, active BOOLEAN"
CREATE = f"CREATE TABLE sales ({TYPES}, zip VARCHAR(9), empty VARCHAR(9))"
VALUES = [tuple(row.values()) for row in tables.ROWS]
DATABASES = ["sqlite", "duckdb", "postgresql", "mariadb"]


@pytest.fixture(scope="module")
def urls(tmp_path_factory, postgres_server, mariadb_server):
    """The table `sales` in every database."""
    folder = tmp_path_factory.mktemp("databases")
    with sqlite3.connect(folder / "shop.sqlite") as lite:
        lite.execute(CREATE)
        lite.executemany(f"INSERT INTO sales VALUES ({','.join('?' * 7)})", VALUES)
    lite.close()
    import duckdb

    with duckdb.connect(str(folder / "shop.duckdb")) as duck:
        duck.execute(CREATE)
        duck.executemany(f"INSERT INTO sales VALUES ({','.join('?' * 7)})", VALUES)
    with postgres_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(CREATE)
        cursor.executemany(f"INSERT INTO sales VALUES ({','.join(['%s'] * 7)})", VALUES)
    mariadb_server.query("CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4")
    maria = mariadb._connect(mariadb_server.port, mariadb.USER, mariadb.PASSWORD, "shop")
    with maria, maria.cursor() as cursor:
        cursor.execute(CREATE)
        cursor.executemany(f"INSERT INTO sales VALUES ({','.join(['%s'] * 7)})", VALUES)
        maria.commit()
    return {
        "sqlite": f"sqlite:///{folder / 'shop.sqlite'}",
        "duckdb": f"duckdb:///{folder / 'shop.duckdb'}",
        "postgresql": postgres_server.url(),
        "mariadb": f"mariadb://{mariadb.USER}@127.0.0.1:{mariadb_server.port}/shop",
    }


@pytest.fixture(autouse=True)
def password(monkeypatch):
    assert mariadb.PASSWORD == postgres.PASSWORD
    monkeypatch.setenv(DATA_PASSWORD, postgres.PASSWORD)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csv")
    source, options = tables.make(folder / "data", "csv")
    return read(ingest(folder, source, columns=tables.COLUMNS, **options)[0])


def ask(folder, url, **sql):
    sql = sql if sql.get("query") else {"table": "sales", **sql}
    options = {"columns": tables.COLUMNS, "sql": {"url": url, **sql}}
    return ingest(folder, url, format="sql", **options)


def sorted_rows(splits):
    return {split: sorted(rows) for split, rows in splits.items()}


@pytest.mark.parametrize("database", DATABASES)
def test_every_database_gives_the_examples_of_csv(tmp_path, urls, expected, database):
    artifact, output, properties = ask(tmp_path, urls[database])
    assert output is None, output
    assert sorted_rows(read(artifact)) == sorted_rows(expected)
    assert properties["input_fingerprint"].startswith("sql,rows:120,")
    assert postgres.PASSWORD not in repr(properties)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("partitions", [2, 7])
def test_partitions_give_every_row_once(tmp_path, urls, expected, database, partitions):
    url = urls[database]
    before = ask(tmp_path / "1", url)[2]["input_fingerprint"]
    options = {"partition_column": "big", "partitions": partitions}  # big is missing in some rows
    artifact, output, properties = ask(tmp_path / "2", url, **options)
    assert output is None, output
    assert sorted_rows(read(artifact)) == sorted_rows(expected)
    assert properties["input_fingerprint"] == before


@pytest.mark.parametrize("database", DATABASES)
def test_a_query_may_have_percent_signs_colons_and_a_semicolon(tmp_path, urls, database):
    query = "SELECT id, zip AS code, ':a %s' AS t FROM sales WHERE zip LIKE '0%';"
    artifact, output, _ = ask(tmp_path, urls[database], query=query)
    assert output is None, output
    rows = [row for part in read(artifact).values() for row in part]
    assert len(rows) == 120
    assert all(b":a %s" in row for row in rows)


@pytest.mark.parametrize("database", DATABASES)
def test_the_fingerprint_changes_with_the_rows_and_not_with_their_order(tmp_path, urls, database):
    def fingerprint(query):
        return ask(tmp_path / str(len(list(tmp_path.iterdir()))), urls[database], query=query)[2][
            "input_fingerprint"
        ]

    first = fingerprint("SELECT id, zip, amount FROM sales ORDER BY id")
    assert fingerprint("SELECT id, zip, amount FROM sales ORDER BY id DESC") == first
    changed = {
        "a value": "SELECT id, zip, CASE WHEN id = 7 THEN 1 ELSE amount END AS amount FROM sales",
        "a row less": "SELECT id, zip, amount FROM sales WHERE id <> 7",
        "values swapped": "SELECT id, zip, CASE id WHEN 1 THEN 2.5 WHEN 2 THEN 1.25 ELSE amount END"
        " AS amount FROM sales",
        "another name": "SELECT id, zip, amount AS price FROM sales",
    }
    found = {name: fingerprint(query) for name, query in changed.items()}
    assert len({first, *found.values()}) == 5, found


def failing(folder, url, **sql):
    with pytest.raises(errors.PipelineError) as caught:
        ask(folder, url, **sql)
    text = str(caught.value)
    assert postgres.PASSWORD not in text
    assert "\n" not in text
    return caught.value


@pytest.mark.parametrize("database", ["postgresql", "mariadb"])
def test_a_wrong_password_is_one_sentence(tmp_path, urls, monkeypatch, database):
    monkeypatch.setenv(DATA_PASSWORD, "wrong horse")
    error = failing(tmp_path, urls[database])
    assert "cannot be reached" in str(error)
    assert DATA_PASSWORD in str(error)
    assert "wrong horse" not in str(error)
    assert error.exit_code == 1


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_a_database_that_is_down_is_one_sentence(tmp_path, scheme):
    error = failing(tmp_path, f"{scheme}://me@127.0.0.1:9/shop")
    assert str(error).startswith(f"the database {scheme}://me@127.0.0.1:9/shop cannot be reached")
    assert "Check host, port and whether it runs" in str(error)


@pytest.mark.parametrize("database", DATABASES)
def test_what_the_query_gets_wrong_is_named(tmp_path, urls, database):
    url = urls[database]
    assert "sale" in str(failing(tmp_path / "1", url, table="sale"))
    assert "refuses the query" in str(failing(tmp_path / "2", url, query="SELEC 1"))
    error = failing(tmp_path / "3", url, partition_column="zip", partitions=2)
    assert "data.partition_column: must have whole numbers, 'zip' has '00'" in str(error)
    assert error.exit_code == 2
    message, _ = refused(
        tmp_path / "4",
        url,
        format="sql",
        sql={"url": url, "query": "SELECT id, zip AS id FROM sales"},
    )
    assert "the query returns the column 'id' twice" in message
    message, _ = refused(
        tmp_path / "5",
        url,
        format="sql",
        sql={"url": url, "query": "SELECT id FROM sales WHERE id < 0"},
    )
    assert "the query returned no rows" in message
    message, _ = refused(
        tmp_path / "6",
        url,
        format="sql",
        columns={"名前": "integer"},
        sql={"url": url, "table": "sales"},
    )
    assert 'expected INT, found "町' in message
    assert "the query's result row" in message


def test_a_statement_that_is_no_select_changes_nothing(tmp_path, urls):
    url = urls["sqlite"]
    error = failing(tmp_path / "1", url, query="DELETE FROM sales")
    assert str(error) == "data.query: returns no columns. It must be a SELECT"
    assert ask(tmp_path / "2", url)[2]["input_fingerprint"].startswith("sql,rows:120,")


def test_what_is_not_installed_or_not_there_is_named(tmp_path):
    assert "does not exist" in str(failing(tmp_path, f"sqlite:///{tmp_path}/none.db"))
    error = failing(tmp_path / "2", "nosuch://me@host/db")
    assert "data.url: there is no driver for nosuch" in str(error)
    error = failing(tmp_path / "3", "mssql+pymssql://me@host/db")
    assert error.exit_code == 2
    assert "not installed" in str(error)


def test_rows_are_kept_in_files_that_are_removed(tmp_path, urls, monkeypatch):
    from tfx_pipeline.components.example_gen import sql_handover, sql_spool

    monkeypatch.setattr(sql_spool.tempfile, "tempdir", str(tmp_path))
    kept = []
    make = sql_spool.tempfile.mkdtemp
    monkeypatch.setattr(
        sql_spool.tempfile, "mkdtemp", lambda **how: kept.append(make(**how)) or kept[-1]
    )
    ask(tmp_path / "out", urls["sqlite"])
    assert [pathlib.Path(folder).parent for folder in kept if _is_spool(folder)] == [tmp_path]
    failing(tmp_path / "out2", urls["sqlite"], table="none")
    # Newer versions of Beam leave other folders there.
    assert [path.name for path in tmp_path.iterdir() if _is_spool(path)] == []
    assert sql_handover._spools == {}


def _is_spool(folder) -> bool:
    return pathlib.Path(folder).name.startswith("tfx-pipeline-rows-")


def test_another_process_reads_the_rows_again_and_notices_a_change(tmp_path, urls):
    import json

    from tfx_pipeline.components.example_gen import sql_handover

    query = json.dumps({"url": urls["sqlite"], "table": "sales"})
    fingerprint = sql_handover.read(query)
    sql_handover._spools.clear()
    spool = sql_handover.take(query, fingerprint)
    assert spool.rows == 120
    spool.discard()
    with pytest.raises(errors.PipelineError, match="changed while they were read"):
        sql_handover.take(query, "sql,rows:1")


def test_large_results_become_several_files(tmp_path, monkeypatch):
    from tfx_pipeline.components.example_gen import sql_reader, sql_spool

    monkeypatch.setattr(sql_spool, "UNIT_BYTES", 1 << 14)
    monkeypatch.setattr(sql_reader, "BLOCK_ROWS", 500)
    path = tmp_path / "many.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER, zip TEXT, active INTEGER)")
        rows = [(i, f"0{i}", i % 2) for i in range(10_000)]
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    connection.close()
    artifact, output, _ = ask(tmp_path, f"sqlite:///{path}")
    assert output is None, output
    assert sum(len(part) for part in read(artifact).values()) == 10_000
    csv = write(
        tmp_path / "t.csv", "id,zip,active\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    )
    whole = read(ingest(tmp_path / "csv", csv, columns=tables.COLUMNS)[0])
    assert read(artifact) == whole


def test_a_column_of_several_types_in_sqlite(tmp_path):
    path = tmp_path / "mixed.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER, zip, active INTEGER)")
        rows = [(i, i if i % 2 else f"t{i}", 1) for i in range(90)]
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    connection.close()
    artifact, output, _ = ask(tmp_path, f"sqlite:///{path}")
    assert output is None, output
    csv = write(
        tmp_path / "t.csv", "id,zip,active\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    )
    assert read(artifact) == read(ingest(tmp_path / "c", csv, columns=tables.COLUMNS)[0])


def test_the_folder_of_the_tests_holds_no_password(urls, tmp_path):
    artifact, _, _ = ask(tmp_path, urls["postgresql"])
    files = [path for path in pathlib.Path(artifact.uri).rglob("*") if path.is_file()]
    assert files
    assert not any(postgres.PASSWORD.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("database", ["postgresql", "mariadb"])
def test_dates_and_times_of_a_server(tmp_path, urls, database):
    number = "CAST(1.5 AS DECIMAL(9, 2)) AS n"
    when = "TIMESTAMP '2024-01-02 03:04:05' AS t, DATE '2024-01-02' AS d, TIME '01:00:05' AS s"
    query = f"SELECT id, {when}, {number} FROM sales"
    url = urls[database]
    options = {"format": "sql", "sql": {"url": url, "query": query}}
    text = "".join(f"{i},1704164645,1704153600,3605,1.5\n" for i in range(120))
    csv = write(tmp_path / "seconds.csv", "id,t,d,s,n\n" + text)
    artifact, output, _ = ingest(tmp_path / "1", url, **options)
    assert output is None, output
    assert sorted_rows(read(artifact)) == sorted_rows(read(ingest(tmp_path / "2", csv)[0]))
    text = "".join(f"{i},2024-01-02T03:04:05,02/01/2024,3605,1.5\n" for i in range(120))
    csv = write(tmp_path / "texts.csv", "id,t,d,s,n\n" + text)
    columns = {"t": "datetime", "d": {"type": "datetime", "format": "%d/%m/%Y"}}
    artifact, output, _ = ingest(tmp_path / "3", url, columns=columns, **options)
    assert output is None, output
    theirs = ingest(tmp_path / "4", csv, columns=columns)[0]
    assert sorted_rows(read(artifact)) == sorted_rows(read(theirs))


def test_lists_and_objects_of_postgresql(tmp_path, urls):
    url = urls["postgresql"]
    query = "SELECT id, ARRAY[1, id] AS l, JSON_BUILD_OBJECT('a', id) AS j FROM sales"
    options = {"format": "sql", "sql": {"url": url, "query": query}}
    message, _ = refused(tmp_path / "1", url, **options)
    assert "l: wrong type: the query's result: found values of type list<item: int64>" in message
    assert "Set columns: {l: list}" in message
    options["columns"] = {"l": "list"}
    message, _ = refused(tmp_path / "2", url, **options)
    assert "j: wrong type: the query's result: found values of type struct<a: int64>" in message
    artifact, output, _ = ingest(tmp_path / "3", url, exclude=["j"], **options)
    assert output is None, output
    assert any(b"[1, 7]" in row for part in read(artifact).values() for row in part)


def test_workers_of_beam_read_the_rows_from_the_staging_folder(tmp_path, urls, expected):
    import os

    from tfx.types import standard_artifacts

    from tfx_pipeline.components.example_gen import component, driver, executor

    url = urls["sqlite"]
    node = component.ExampleGen(
        url, format="sql", columns=tables.COLUMNS, sql={"url": url, "table": "sales"}
    )
    properties = {k: v for k, v in node.spec.exec_properties.items() if v is not None}
    properties = driver.Driver(None).resolve_exec_properties(properties, None, None)
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    os.makedirs(artifact.uri)
    arguments = ["--runner=DirectRunner", "--direct_running_mode=multi_processing"]
    context = executor.Executor.Context(
        beam_pipeline_args=arguments, tmp_dir=str(tmp_path), unique_id="1"
    )
    assert executor.Executor(context).Do({}, {"examples": [artifact]}, properties) is None
    assert read(artifact) == expected
    assert not list(pathlib.Path(artifact.uri).rglob("*.rows"))
