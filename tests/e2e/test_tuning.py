"""A search in a standard pipeline, on a public table."""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys

import pytest

from tests.projects import environment

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

TUNING = "tuning={trials: 4, jobs: 2, space: {width: [8, 32], learning_rate: [0.0001, 0.01]}}"


def done(folder, *arguments):
    command = [sys.executable, "-m", "tfx_pipeline", *map(str, arguments)]
    result = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A project for a table of scikit-learn, and its run with a search."""
    from sklearn import datasets

    folder = tmp_path_factory.mktemp("tuned")
    datasets.load_breast_cancer(as_frame=True).frame.to_csv(folder / "cells.csv", index=False)
    project = folder / "project"
    done(folder, "init", folder / "cells.csv", "--label", "target", "--output", project)
    arguments = ("--set", "training.effort=quick", "--set", TUNING)
    return project, json.loads(done(project, "run", "--json", *arguments)), arguments


def document(run, node, key, name):
    return json.loads(pathlib.Path(run["nodes"][node]["outputs"][key][0], name).read_text())


def test_the_trainer_trains_what_the_best_trial_trained(tuned):
    _, run, _ = tuned
    found = document(run, "Tuner", "tuner_results", "trials.json")
    series = document(run, "Trainer", "model_run", "history.json")["series"]["validation"]
    values = [value for _, value in series["epoch_auc"]]
    assert any(value == pytest.approx(found["best_value"], abs=1e-6) for value in values)
    best = next(t for t in found["trials"] if t["number"] == found["best"])
    compared = [t for t in found["trials"] if t["held_out"]]
    assert {1, best["number"]} <= {t["number"] for t in compared}
    means = {t["number"]: statistics.fmean([t["value"], *t["held_out"]]) for t in compared}
    assert found["best_mean"] == pytest.approx(means[best["number"]], abs=1e-12)
    assert found["best_mean"] >= means[1]
    assert all(len(t["held_out"]) == 3 for t in compared)
    log = pathlib.Path(run["nodes"]["Trainer"]["log"]).read_text()
    assert f"learning_rate={best['values']['learning_rate']:g}" in log
    assert f"hidden_units=({best['values']['width']}," in log
    assert run["blessed"]


def test_show_and_the_report_list_the_trials(tuned):
    project, run, _ = tuned
    found = document(run, "Tuner", "tuner_results", "trials.json")
    shown = done(project, "show")
    assert "Trials, the chosen one first" in shown
    lines = shown.partition("Trials, the chosen one first")[2].splitlines()
    assert lines[2].split()[0] == str(found["best"])
    text = next(project.glob(f"build/*/runs/{run['run_id']}/report.html")).read_text()
    assert f"The Trainer was given those of trial {found['best']}" in text


def test_other_data_are_trained_with_the_values_that_were_found(tuned):
    project, run, arguments = tuned
    other = ("--set", "data.split={train: 5, eval: 3, test: 2}", "--to", "Trainer")
    again = json.loads(done(project, "run", "--json", *arguments, *other))
    assert again["nodes"]["Transform"]["state"] == "complete"
    for one, key, name in (
        ("Tuner", "best_hyperparameters", "best_hyperparameters.txt"),
        ("Tuner", "tuner_results", "trials.json"),
    ):
        assert document(again, one, key, name) == document(run, one, key, name)
