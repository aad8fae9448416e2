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
    assert (found.best.number, found.configured.value) == (4, 0.91)
    assert found.best.mean is None


def test_of_errors_the_smallest_is_the_best(folder):
    file = folder / "trials.json"
    content = json.loads(file.read_text())
    content |= {"higher_is_better": False, "best": 2}
    content["trials"][1]["state"] = "complete"
    content["trials"][1]["value"] = 0.90
    file.write_text(json.dumps(content))
    found = tuning.of_uri(str(folder))
    assert [t.number for t in found.trials] == [2, 1, 4, 3]


def test_without_a_complete_first_trial_there_is_nothing_to_compare_with(folder):
    file = folder / "trials.json"
    content = json.loads(file.read_text())
    content["trials"][0]["state"] = "failed"
    file.write_text(json.dumps(content))
    assert tuning.of_uri(str(folder)).configured is None


@pytest.fixture
def compared(folder):
    """Trial 1 stays, although trial 4 has the better metric of the split eval."""
    file = folder / "trials.json"
    content = json.loads(file.read_text()) | {"best": 1, "best_value": 0.91, "best_mean": 0.89}
    for trial, held_out in zip(content["trials"], [[0.88, 0.88], [], [], [0.8, 0.7]], strict=True):
        trial["held_out"] = held_out
    file.write_text(json.dumps(content))
    return folder


def test_the_chosen_trial_is_first_with_the_means_that_decided(compared):
    found = tuning.of_uri(str(compared))
    assert [t.number for t in found.trials] == [1, 4, 2, 3]
    assert [t.mean for t in found.trials] == [pytest.approx(0.89), pytest.approx(0.81), None, None]


def test_means_of_fewer_rows_are_not_shown(compared):
    file = compared / "trials.json"
    content = json.loads(file.read_text())
    content["trials"][3]["held_out"] = [0.8]
    file.write_text(json.dumps(content))
    assert [t.mean for t in tuning.of_uri(str(compared)).trials] == [
        pytest.approx(0.89),
        *[None] * 3,
    ]
    content["trials"][3]["held_out"] = [0.8, None]
    file.write_text(json.dumps(content))
    assert tuning.of_uri(str(compared)).trials[1].mean is None


def rendered(folder):
    artifact = Artifact(1, "TunerResults", "tuner_results", str(folder), "Tuner", {}, "r1")
    run = Run(run_id="r1", pipeline="taxi", state="complete")
    return " ".join(page.render(RunFacts(run, "", (), (artifact,))).split())


def test_the_report_says_that_cross_validation_decided(compared):
    html = rendered(compared)
    assert "trial 1: auc 0.9100, on the rows that only check the training. With other rows" in html
    assert "no other trial was better beyond chance" in html
    assert "Mean with other rows" in html
    file = compared / "trials.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"best": 4}))
    means = "chosen by the mean with other rows held out: 0.8100, against 0.8900 of trial 1"
    assert means in rendered(compared)


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
