"""`tfx-pipeline init` for tables on S3 (moto's server) and in Excel files."""

from __future__ import annotations

import csv
import datetime
import sys

import pytest

from tests import s3
from tests.cli.test_init import init
from tfx_pipeline.config import loader, preflight
from tfx_pipeline.profiling import found_data

ROWS = "".join(f"{i % 17 * 0.5},{'abc'[i % 3]},{'ny'[i * 7 % 5 == 0]}\n" for i in range(300))
TEXT = f"price,kind,sold\n{ROWS}"


@pytest.fixture(scope="module")
def bucket():
    with s3.serve() as made:
        for key in ("sales/2024.csv", "parts/a.csv", "parts/b.csv", "mixed/a.csv"):
            made.client.put_object(Bucket=s3.NAME, Key=key, Body=TEXT.encode())
        made.client.put_object(Bucket=s3.NAME, Key="parts/_SUCCESS", Body=b"")
        made.client.put_object(Bucket=s3.NAME, Key="parts/old/c.csv", Body=b"x")
        made.client.put_object(Bucket=s3.NAME, Key="mixed/b.parquet", Body=b"x")
        made.client.put_object(Bucket=s3.NAME, Key="partsother/a.csv", Body=b"x")
        yield made


@pytest.fixture(autouse=True)
def environment(bucket, monkeypatch):
    yield from s3.use(bucket, monkeypatch)


def config_of(folder):
    return loader.load_config(str(folder / "pipeline.yaml"), ())


@pytest.mark.parametrize(
    ("place", "rows"), [("sales/2024.csv", 300), ("parts", 600), ("parts/", 600), ("sales", 300)]
)
def test_a_file_or_a_folder_on_s3(place, rows, tmp_path, capsys):
    url = f"s3://{s3.NAME}/{place}"
    assert init(url, "--label", "sold", "--output", tmp_path / "p") == 0
    printed = capsys.readouterr().out
    assert f"{rows} rows" in printed
    assert "init-" not in printed, "the copy's name"
    config = config_of(tmp_path / "p")
    assert config.data.path == url
    assert preflight.check(config) == []
    assert not (tmp_path / "p" / "data").exists()


def test_a_large_file_on_s3_is_copied_in_part(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(found_data, "WHOLE", 1000)
    monkeypatch.setattr(found_data, "SAMPLED", 1000)
    url = f"s3://{s3.NAME}/sales/2024.csv"
    assert init(url, "--label", "sold", "--output", tmp_path / "p") == 0
    rows = int(capsys.readouterr().out.split("about ")[1].split(" rows")[0])
    assert 270 <= rows <= 330


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("sales/2025.csv", "does not exist, or has no files"),
        ("part", "does not exist, or has no files"),
        ("mixed", "s3://pipelines/mixed has files of several formats: 1 csv, 1 parquet"),
    ],
)
def test_what_cannot_be_read_on_s3(place, message, tmp_path, capsys):
    assert init(f"s3://{s3.NAME}/{place}", "--label", "sold", "--output", tmp_path / "p") == 2
    assert message in capsys.readouterr().err


def test_a_bucket_that_is_not_there(tmp_path, capsys):
    assert init("s3://nobody/x.csv", "--label", "sold") == 2
    printed = capsys.readouterr().err
    assert "s3://nobody/x.csv cannot be read" in printed
    assert len(printed.strip().splitlines()) == 1


HEADER = ["お客様", "joined", "at", "vip", "spent", "visits", "bought"]


def sheet_rows(count=300):
    start = datetime.datetime(2024, 1, 1)
    for i in range(count):
        day = start + datetime.timedelta(days=i % 200)
        yield [
            f"{i:05d}",
            day,
            day + datetime.timedelta(hours=i % 24, minutes=30),
            i % 3 == 0,
            i * 0.25,
            float(i % 40),
            None if i == 7 else "ny"[i * 7 % 5 == 0],
        ]


def write_book(file, title="売上", **sheets):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "notes"
    for name, rows in {
        title: [[], [None, *HEADER], *([None, *r] for r in sheet_rows())],
        **sheets,
    }.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


def test_an_excel_sheet_becomes_a_csv_of_the_project(tmp_path, capsys):
    file = write_book(tmp_path / "Sales.xlsx", more=[["a"], [1]])
    assert init(file, "--label", "bought", "--output", tmp_path / "p") == 0
    assert "not 'more'" in " ".join(capsys.readouterr().out.split())
    config = config_of(tmp_path / "p")
    assert config.data.path == str(tmp_path / "p" / "data" / "sales.csv")
    assert "path: data/sales.csv" in (tmp_path / "p" / "pipeline.yaml").read_text()
    assert preflight.check(config) == []
    with open(tmp_path / "p" / "data" / "sales.csv", encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == HEADER
    assert len(rows) == 300
    assert rows[1] == ["00001", "2024-01-02", "2024-01-02T01:30:00", "False", "0.25", "1", "n"]
    assert rows[7][-1] == ""
    types = {name: column.type for name, column in config.columns.items()}
    assert types["joined"] == "datetime"
    assert types["vip"] == "boolean"


def test_another_sheet_by_its_name(tmp_path, capsys):
    other = [["x", "y"], *([i, "ab"[i % 2]] for i in range(100)), ["#N/A", "a"]]
    file = write_book(tmp_path / "Sales.xlsx", more=other)
    assert init(file, "--label", "y", "--table", "more", "--output", tmp_path / "p") == 0
    assert (tmp_path / "p" / "data" / "sales.csv").read_text().splitlines()[-1] == ",a"
    assert init(file, "--label", "y", "--table", "mor", "--output", tmp_path / "q") == 2
    assert "has no sheet 'mor'. Did you mean 'more'?" in capsys.readouterr().err
    assert not (tmp_path / "q").exists()


def test_candidates_of_a_sheet_write_nothing(tmp_path, capsys):
    file = write_book(tmp_path / "Sales.xlsx")
    assert init(file, "--output", tmp_path / "p") == 2
    assert "bought" in capsys.readouterr().out
    assert not (tmp_path / "p").exists()


def test_what_is_no_excel_table(tmp_path, capsys, monkeypatch):
    openpyxl = pytest.importorskip("openpyxl")
    (tmp_path / "text.xlsx").write_text("a,b\n1,2\n")
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    expected = {
        "text.xlsx": "cannot be read as an Excel file",
        "empty.xlsx": "has no rows",
        "old.xls": "init cannot read .xls",
        "absent.xlsx": "does not exist",
    }
    for name, message in expected.items():
        assert init(tmp_path / name, "--label", "y", "--output", tmp_path / "p") == 2
        printed = capsys.readouterr().err
        assert message in printed
        assert len(printed.strip().splitlines()) == 1
    file = write_book(tmp_path / "Sales.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert init(file, "--label", "y", "--output", tmp_path / "p") == 2
    assert "pip install 'tfx-pipeline[excel]'" in capsys.readouterr().err
