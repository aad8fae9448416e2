"""The trials of a Tuner in the report."""

from __future__ import annotations

import json

import pytest

from tfx_pipeline.metadata.run_record import Run
from tfx_pipeline.report import page, tuning
from tfx_pipeline.report.run_facts import Artifact, RunFacts


def trial(number, state, value, dropout, **values):
    given = {"evaluations": 3, "seconds": 1.5, "reason": None, **values}
    return {
        "number": number,
        "state": state,
        "value": value,
        "values": {"dropout": dropout},
        **given,
    }


@pytest.fixture
def folder(tmp_path):
    trials = [
        trial(1, "complete", 0.91, 0.1),
        trial(2, "pruned", 0.95, 0.2),
        trial(3, "failed", None, 0.3, reason="ValueError: <script>alert(1)</script>"),
        trial(4, "complete", 0.93, "<b>"),
    ]
    found = {
        "version": 1,
        "metric": "auc",
        "higher_is_better": True,
        "best": 4,
        "best_value": 0.93,
        "space": {"dropout": [0.1, 0.2, 0.3, "<b>"]},
        "trials": trials,
    }
    (tmp_path / "trials.json").write_text(json.dumps(found))
    return tmp_path


def test_complete_trials_are_first_and_the_best_of_them_on_top(folder):
    found = tuning.of_uri(str(folder))
    assert [t.number for t in found.trials] == [4, 1, 2, 3]
    assert (found.best.number, found.configured) == (4, 0.91)


def test_of_errors_the_smallest_is_the_best(folder):
    file = folder / "trials.json"
    content = json.loads(file.read_text())
    content |= {"higher_is_better": False, "best": 1}
    content["trials"][0]["state"] = "failed"
    file.write_text(json.dumps(content))
    found = tuning.of_uri(str(folder))
    assert [t.number for t in found.trials] == [4, 1, 2, 3]
    assert found.configured is None


def test_a_folder_without_trials_has_none(tmp_path):
    assert tuning.of_uri(str(tmp_path)) is None
    (tmp_path / "trials.json").write_text("{")
    assert tuning.of_uri(str(tmp_path)) is None


def test_the_report_shows_them_and_executes_nothing(folder):
    artifact = Artifact(1, "TunerResults", "tuner_results", str(folder), "Tuner", {}, "r1")
    run = Run(run_id="r1", pipeline="taxi", state="complete")
    facts = RunFacts(run, "", (), (artifact,))
    html = page.render(facts)
    assert "The Trainer was given those of trial 4: auc 0.93" in " ".join(html.split())
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert(1)" not in html
