import pytest

from tfx_pipeline.config import preflight
from tfx_pipeline.config.loader import load_config, read_config

SQL = "data={format: sql, url: 'postgresql://me@db.host:5433/shop', table: sales}"


def found(shop, *overrides):
    return "\n".join(map(str, read_config(shop, overrides).problems))


def test_a_database_instead_of_files(shop):
    data = load_config(shop, [SQL]).data
    assert data.sql == {"url": "postgresql://me@db.host:5433/shop", "table": "sales"}
    assert data.path == ""
    assert preflight.check(load_config(shop, [SQL])) == []


def test_the_file_of_a_database_is_relative_to_the_configuration(shop):
    override = "data={format: sql, url: 'sqlite:///shop.db?mode=ro', query: SELECT 1}"
    config = load_config(shop, [override])
    assert config.data.url == f"sqlite:///{shop.parent}/shop.db?mode=ro"
    (problem,) = preflight.check(config)
    assert str(problem).startswith(f"data.url: {shop.parent}/shop.db does not exist")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{format: csv}", "has no 'path'"),
        ("{format: sql, table: t}", "has no 'url'"),
        ("{format: sql, url: 'postgresql://h/d'}", "either 'query' or 'table'"),
        ("{format: sql, url: 'postgresql://h/d', table: t, query: q}", "either 'query' or 'table'"),
        ("{format: sql, path: data, url: 'postgresql://h/d', table: t}", "which is for files"),
        ("{path: data, table: t}", "has 'table', which is for format 'sql', not 'csv'"),
        ("{format: sql, url: shop.db, table: t}", "must be DIALECT://"),
        ("{format: sql, url: 'sqlite://', table: t}", "names no file"),
        ("{path: data, delimiter: '\"'}", "same character as delimiter and quote"),
        ("{path: data, thousands: '.'}", "thousands must differ from decimal"),
        ("{path: data, encoding: utf-9}", "'utf-9' is no encoding that Python knows"),
        ("{path: data, encoding: hex}", "'hex' is no encoding"),
        ("{path: data, header: [a, b, a]}", "header names 'a' twice"),
        ("{path: data, delimiter: '→'}", "one ASCII character"),
    ],
)
def test_what_does_not_fit_is_refused(shop, data, words):
    assert words in found(shop, f"data={data}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@host/db",
        "postgresql://me@host/db?password=hunter2",
        "snowflake://me@account/db?token=hunter2",
    ],
)
def test_a_url_with_a_password_is_refused_and_not_shown(shop, url):
    text = found(shop, f"data={{format: sql, url: '{url}', table: t}}")
    assert "TFX_PIPELINE_DATA_PASSWORD" in text
    assert "hunter2" not in text


def test_numbers_are_markers_of_missing_values_as_well(shop):
    data = load_config(shop, ["data={path: data, missing: [-999, NA]}"]).data
    assert data.missing == ("-999", "NA")


@pytest.mark.parametrize(("name", "expected"), [("UTF8", "utf-8"), ("Shift-JIS", "shift_jis")])
def test_encodings_have_one_name(shop, name, expected):
    assert load_config(shop, [f"data.encoding={name}"]).data.encoding == expected
