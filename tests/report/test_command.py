"""`tfx-pipeline report` on real runs: files, options, bad input, large data."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from tests.projects import make_project
from tests.report.conftest import copy_of, html_of, report

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def copy(trained, tmp_path):
    """The trained project, to change."""
    return copy_of(trained, tmp_path / "taxi")


def test_the_report_is_one_small_file_in_the_runs_folder(copy):
    done = report(copy, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    file = copy.home / "runs" / "first" / "report.html"
    assert answer == {"run_id": "first", "against": None, "report": str(file)}
    assert file.stat().st_size < 500_000
    html = file.read_text()
    for outside in ('src="', "url(", "@import", '<link rel="stylesheet'):
        assert outside not in html


def test_an_output_file_and_the_beginning_of_an_id_can_be_named(trained, tmp_path):
    done = report(trained, "fir", "--output", tmp_path / "new" / "r.html")
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "new" / "r.html"))
    assert "Blessed and pushed" in (tmp_path / "new" / "r.html").read_text()


def test_each_run_writes_its_report(trained, refused):
    for project, run_id, wanted in (
        (trained, "first", "Blessed and pushed"),
        (refused, "refused", "Refused at DataGate"),
    ):
        assert wanted in (project.home / "runs" / run_id / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["secnd"], "has no such run"),
        (["first", "--against", "other"], "other: pipeline 'chicago-taxi' has no such run"),
        (["first", "--output", "data"], "is a folder"),
        (["first", "--root", "nowhere"], "has no such run"),
    ],
)
def test_wrong_usage_is_one_sentence(trained, arguments, wanted):
    done = report(trained, *arguments)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_store_that_is_gone_is_said(copy):
    (copy.home / "metadata.db").unlink()
    done = report(copy)
    assert done.returncode == 2
    assert "the database of ML Metadata is gone" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_store_that_is_no_database_is_said(copy):
    (copy.home / "metadata.db").write_text("not a database at all")
    done = report(copy)
    assert done.returncode == 2
    assert "ML Metadata cannot be" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_is_locked_is_said(copy):
    with contextlib.closing(sqlite3.connect(copy.home / "metadata.db")) as store:
        store.execute("BEGIN EXCLUSIVE")
        done = report(copy)
    assert done.returncode == 2
    assert "locked" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_damaged_or_missing_artifact_leaves_its_section_out(copy):
    for name in ("details.json", "history.json", "FeatureStats.pb"):
        for file in copy.home.rglob(name):
            file.unlink()
    html = html_of(copy)
    assert 'id="training"' not in html
    assert 'id="data"' not in html
    assert "No curves" in html
    assert "Blessed and pushed" in html


def test_two_thousand_columns_are_all_there(copy):
    for file in copy.home.glob("StatisticsGen/statistics/*/Split-*/FeatureStats.pb"):
        parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        features = list(parsed.datasets[0].features)
        for number in range(2000 - len(features)):
            new = parsed.datasets[0].features.add()
            new.CopyFrom(features[number % len(features)])
            new.path.step[0] = f"Spalte_{number:04}_größe"
        file.write_bytes(parsed.SerializeToString())
    html = html_of(copy)
    assert html.count("Spalte_1980_größe") >= 1
    assert html.count('class="card feature"') == 200
    assert len(html) < 3_000_000


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """A project after a run whose data does not fit the schema."""
    project = make_project(tmp_path_factory.mktemp("refused") / "taxi")
    schema = project.folder / "schema" / "taxi.pbtxt"
    text = schema.read_text()
    assert 'value: "Cash"' in text
    schema.write_text(text.replace('value: "Cash"', 'value: "Gold"'))
    assert project.run("--run-id", "refused").exit_code == 3
    return project


def test_a_refused_run_says_how_far_it_came_and_why(refused, look):
    page = look(html_of(refused, "refused"))
    assert page.inner_text("#verdict h2") == "Refused at DataGate"
    text = page.inner_text("#verdict")
    assert "payment_type" in text
    assert "Nothing was pushed" in text
    assert "Did not run" in text
    assert "Trainer" in text
    assert page.locator("#metrics").count() == 0
    assert page.locator(".graph .failed").count() >= 1
    assert "Cash" in page.inner_text("#checks")
    first = page.eval_on_selector(".feature", "f => f.dataset.name")
    assert first == "payment_type"
