"""What a report says about the differences from another run."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from tests.report.conftest import copy_of
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.metadata.run_history import open_runs
from tfx_pipeline.report import comparison, page, run_facts
from tfx_pipeline.storage.layout import Layout

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def facts_of(project):
    """What is known about the first run of a project."""
    config = load_config(str(project.folder / "pipeline.yaml"), root=str(project.folder / "build"))
    return run_facts.read(open_runs(config), "first", Layout(config.root, config.name))


@pytest.fixture
def now(trained):
    return facts_of(trained)


@pytest.fixture
def before(trained, tmp_path):
    """The same run with other metrics, data, settings and code."""
    project = copy_of(trained, tmp_path / "taxi")
    run_json = project.home / "runs" / "first" / "run.json"
    run = json.loads(run_json.read_text())
    run["metrics"]["auc"] -= 0.02
    run["metrics"]["binary_crossentropy"] -= 0.01
    run_json.write_text(json.dumps(run))
    (file,) = project.home.glob("StatisticsGen/statistics/*/Split-train/FeatureStats.pb")
    parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    for feature in parsed.datasets[0].features:
        if feature.path.step[0] == "payment_type":
            for bucket in feature.string_stats.rank_histogram.buckets:
                bucket.label = {"Cash": "Credit Card", "Credit Card": "Cash"}.get(
                    bucket.label, bucket.label
                )
        if feature.path.step[0] == "tips":
            feature.path.step[0] = "tip"
    file.write_bytes(parsed.SerializeToString())
    with contextlib.closing(sqlite3.connect(project.home / "metadata.db")) as store:
        store.execute("UPDATE ExecutionProperty SET int_value = 50 WHERE name = 'steps'")
        store.execute(
            "UPDATE ExecutionProperty SET string_value = "
            "json_set(string_value, '$.\"modules.trainer\"', 'other') "
            "WHERE name = 'code_digest' AND string_value LIKE '%modules.trainer%'"
        )
        store.commit()
    return facts_of(project)


def test_a_run_does_not_differ_from_itself(now):
    found = comparison.compare(now, now)
    assert all(number.before == number.after for number in found.metrics)
    assert (found.slices, found.columns, found.settings, found.code) == ([], [], [], [])


def test_each_difference_is_found(now, before):
    found = comparison.compare(now, before)
    better = {number.name: number.better for number in found.metrics}
    assert better["auc"] is True
    assert better["binary_crossentropy"] is False
    assert better["example_count"] is None
    columns = dict(found.columns)
    assert columns["tips"] == "new column"
    assert columns["tip"] == "column is gone"
    assert columns["payment_type"].startswith("values differ by")
    assert set(columns) == {"tips", "tip", "payment_type"}
    (setting,) = found.settings
    assert (setting.name, setting.before, setting.after) == ("Trainer: steps", "50", "200")
    assert found.code == ["modules.trainer"]


def test_the_page_shows_them(now, before, look):
    tab = look(page.render(now, before))
    text = tab.inner_text("#comparison")
    for wanted in ("+0.0200", "Trainer: steps", "modules.trainer", "new column"):
        assert wanted in text
    assert tab.locator("#comparison .good-text").inner_text() == "+0.0200"
    assert tab.locator("#comparison .bad-text").inner_text() == "+0.0100"
