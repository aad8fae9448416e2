"""`tfx-pipeline schema`: what the data of a refused run would change, and taking it in."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from tests.projects import make_project

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """A project whose rows have a new way to pay and a new column; the gate refuses them."""
    project = make_project(tmp_path_factory.mktemp("schema"))
    with project.data.open() as file:
        header, *rows = csv.reader(file)
    for row in rows[:200]:
        row[header.index("payment_type")] = "Shells"
    changed = [[*header, "colour"], *([*row, "red"] for row in rows[:3000])]
    with project.data.open("w", newline="") as file:
        csv.writer(file).writerows(changed)
    done = project.run("--run-id", "first", "--to", "DataGate")
    assert done.exit_code == 3
    return project


@pytest.fixture
def project(refused, tmp_path):
    """The refused run's project; its schema file is put back after each test."""
    saved = tmp_path / "taxi.pbtxt"
    shutil.copy(refused.folder / "schema" / "taxi.pbtxt", saved)
    yield refused
    shutil.copy(saved, refused.folder / "schema" / "taxi.pbtxt")


def test_diff_lists_what_the_data_would_change(tfx_pipeline, project):
    done = tfx_pipeline("schema", "diff", "--json", cwd=project.folder)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["run_id"] == "first"
    kinds = {change["column"]: change["kind"] for change in document["changes"]}
    assert kinds == {"payment_type": "changed", "colour": "new"}
    (payment,) = (c for c in document["changes"] if c["column"] == "payment_type")
    assert "Shells" not in payment["before"]
    assert "Shells" in payment["after"]


def test_update_takes_one_column_and_keeps_the_comments(tfx_pipeline, project):
    file = project.folder / "schema" / "taxi.pbtxt"
    before = file.read_text().splitlines()
    done = tfx_pipeline("schema", "update", "--accept", "payment_type", cwd=project.folder)
    assert done.returncode == 0, done.stderr
    assert "Shells" in done.stdout
    after = file.read_text().splitlines()
    assert [line for line in after if line not in before] == ['  value: "Shells"']
    assert [line for line in before if line not in after] == []
    rest = tfx_pipeline("schema", "diff", cwd=project.folder).stdout
    assert "colour" in rest
    assert "payment_type" not in rest


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("payment_typ", "there is no such column. Did you mean 'payment_type'?"),
        ("fare", "fits the schema, there is nothing to accept"),
    ],
)
def test_a_column_without_a_change_is_refused(tfx_pipeline, project, column, message):
    done = tfx_pipeline("schema", "update", "--accept", column, cwd=project.folder)
    assert done.returncode == 2
    assert f"--accept {column}: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_show_lists_the_columns(tfx_pipeline, project):
    done = tfx_pipeline("schema", "show", "--json", cwd=project.folder)
    rows = {row["column"]: row for row in json.loads(done.stdout)["columns"]}
    assert rows["trip_start_hour"] == {
        "column": "trip_start_hour",
        "type": "INT",
        "required": "1 of the rows",
        "domain": "0..23",
    }


def test_without_a_curated_schema(tfx_pipeline, shop):
    done = tfx_pipeline("schema", "show", "--config", shop)
    assert done.returncode == 2
    assert "schema.path: names no file; the schema is inferred in each run" in done.stderr
