"""Tuner: real searches in real worker processes, with functions that need no network."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tfx_pipeline import errors
from tfx_pipeline.components.tuner import search_space
from tfx_pipeline.config.tuning import Range

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

HERE = "tests.components.tuner.trial_functions"
DROPOUT = {"dropout": {"min": 0.0, "max": 0.9}}


def artifact(kind, uri):
    from tfx.types import standard_artifacts

    result = getattr(standard_artifacts, kind)()
    result.uri = str(uri)
    pathlib.Path(uri).mkdir(parents=True, exist_ok=True)
    return result


class Node:
    """A Tuner node below a folder; each execution has outputs of its own, as TFX makes them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.examples = artifact("Examples", self.folder / "Transform" / "examples" / "1")
        self.examples.split_names = '["train", "eval"]'
        self.executions = 0

    def execute(self, function, space=None, **settings):
        """Runs the executor as the launcher does; returns trials.json, if it wrote one."""
        from tfx import types
        from tfx.types import standard_artifacts

        from tfx_pipeline.components.tuner.component import Tuner
        from tfx_pipeline.components.tuner.executor import Executor

        self.executions += 1
        node = Tuner(
            examples=types.Channel(type=standard_artifacts.Examples),
            tuning={"space": space or DROPOUT, "metric": "auc", **settings},
            run_fn=f"{HERE}.{function}",
            custom_config={
                "calls": str(self.folder / "calls"),
                "training": {"seed": 3, "strategy": "multi_worker", "workers": 3},
            },
        )
        outputs = {
            key: [artifact(kind, self.folder / "Tuner" / key / str(self.executions))]
            for key, kind in (
                ("best_hyperparameters", "HyperParameters"),
                ("tuner_results", "TunerResults"),
            )
        }
        inputs = {"examples": [self.examples]}
        self.output = Executor().Do(inputs, outputs, dict(node.spec.exec_properties))
        return json.loads(self.file("tuner_results", "trials.json").read_text())

    def file(self, key, name):
        return self.folder / "Tuner" / key / str(self.executions) / name

    @property
    def note(self):
        return json.loads(self.output.execution_result.result_message)["message"]


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


def test_a_search_finds_the_best_values_and_prunes_bad_ones(node):
    found = node.execute("best_at_03", trials=24, jobs=2)
    trials = found["trials"]
    assert sorted(t["number"] for t in trials) == list(range(1, 25))
    complete = [t for t in trials if t["state"] == "complete"]
    best = max(complete, key=lambda t: t["value"])
    assert (found["best"], found["best_value"]) == (best["number"], best["value"])
    assert abs(best["values"]["dropout"] - 0.3) < 0.1
    pruned = [t for t in trials if t["state"] == "pruned"]
    assert pruned
    assert all(t["evaluations"] < 10 for t in pruned)
    assert all(t["evaluations"] == 10 for t in complete)


def test_the_files_are_those_of_tfx(node):
    """KerasTuner reads the best values, and the trials are rows, the chosen one first."""
    import keras_tuner

    found = node.execute("best_at_03", trials=3, jobs=1, pruning="none")
    best = json.loads(node.file("best_hyperparameters", "best_hyperparameters.txt").read_text())
    parameters = keras_tuner.HyperParameters.from_config(best)
    rows = json.loads(node.file("tuner_results", "tuner_results.json").read_text())
    assert len(rows) == 3
    assert rows[0]["dropout"] == parameters.get("dropout")
    assert rows[0]["trial_id"] == str(found["best"])
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert len(list(node.file("best_hyperparameters", ".").iterdir())) == 1


def test_the_same_settings_use_the_earlier_result(node):
    first = node.execute("slow", trials=2, jobs=1)
    node.examples.uri = str(artifact("Examples", node.folder / "Transform" / "examples" / "2").uri)
    assert node.execute("slow", trials=2, jobs=2, timeout="1h") == first
    assert "of an earlier search with the same settings" in node.note
    calls = (node.folder / "calls").read_text().splitlines()
    assert len(calls) == 2
    again = node.execute("slow", trials=2, jobs=1, round=2)
    assert len((node.folder / "calls").read_text().splitlines()) == 4
    assert again["trials"] != first["trials"]


def test_more_trials_continue_the_search(node):
    first = node.execute("slow", trials=2, jobs=1)
    more = node.execute("slow", trials=4, jobs=1)
    assert more["trials"][:2] == first["trials"]
    values = [t["values"]["dropout"] for t in more["trials"]]
    assert len(set(values)) == 4
    assert len((node.folder / "calls").read_text().splitlines()) == 4


CONTINUED = """
import sys
from tests.components.tuner.test_tuner import Node
Node(sys.argv[1]).execute("slow", trials=6, jobs=2, pruning="none")
"""


def test_a_killed_search_keeps_its_finished_trials(node):
    calls = node.folder / "calls"
    search = subprocess.Popen(
        [sys.executable, "-c", CONTINUED, str(node.folder)], start_new_session=True
    )
    while not calls.exists() or len(calls.read_text().splitlines()) < 4:
        assert search.poll() is None
        time.sleep(0.05)
    os.killpg(search.pid, signal.SIGKILL)
    search.wait()
    started = calls.read_text().splitlines()
    found = node.execute("slow", trials=6, jobs=2, pruning="none")
    assert [t["state"] for t in found["trials"]] == ["complete"] * 6
    # Two trials at most were running; only those are trained again.
    assert len(calls.read_text().splitlines()) <= 6 + 2
    assert set(started) <= set(calls.read_text().splitlines())


def test_a_worker_that_dies_costs_one_trial(node):
    found = node.execute("once_killed", trials=3, jobs=1)
    assert [t["state"] for t in found["trials"]] == ["failed", "complete", "complete"]
    assert found["trials"][0]["reason"] == (
        "its process was ended by SIGKILL; perhaps there was too little memory: set tuning.jobs"
    )
    assert "(1 failed)" in node.note


def test_trials_that_fail_are_counted_with_the_reason(node):
    space = {"dropout": [0.1, 0.2, 0.3]}
    found = node.execute("sometimes_failing", space, trials=12, jobs=1)
    reasons = {t["values"]["dropout"]: t["reason"] for t in found["trials"]}
    assert found["best_value"] == 0.3
    for dropout, reason in ((0.1, "ValueError: too little of it"), (0.2, "auc is nan")):
        assert dropout not in reasons or reason in reasons[dropout]
    assert set(reasons) > {0.3}


def test_trials_train_on_one_device(node):
    """They run side by side instead, whatever the Trainer's strategy is."""
    found = node.execute("on_one_device", trials=1, jobs=1)
    assert found["trials"][0]["state"] == "complete"


@pytest.fixture
def node_with_rows(node):
    """With 300 rows to train on and 100 of eval."""
    import tensorflow as tf

    for split, count in (("train", 300), ("eval", 100)):
        folder = pathlib.Path(node.examples.uri, f"Split-{split}")
        folder.mkdir()
        with tf.io.TFRecordWriter(str(folder / "rows.gz"), "GZIP") as writer:
            for number in range(count):
                writer.write(f"{split} {number}".encode())
    return node


FOUR = {"space": {"dropout": [0.1, 0.2, 0.3, 0.4]}, "trials": 12, "jobs": 1}
"""With one job, the same seed draws the same values; some of them more than once."""


def test_the_best_trials_are_compared_with_other_rows_held_out(node_with_rows):
    node = node_with_rows
    alone = node.execute("lucky", **FOUR)
    assert (alone["best_value"], alone["best_mean"]) == (0.82, None)
    assert not any(t["held_out"] for t in alone["trials"])
    # The trials of the same search count; only what is missing is trained.
    assert len((node.folder / "calls").read_text().splitlines()) == 12
    found = node.execute("lucky", candidates=11, **FOUR)
    assert found["trials"] == [{**t, "held_out": f["held_out"]} for t, f in _pairs(alone, found)]
    assert (found["best_value"], found["best_mean"]) == (0.8, pytest.approx(0.8))
    assert len((node.folder / "calls").read_text().splitlines()) == 12 + 3 * 12
    for trial in found["trials"]:
        expected = {0.1: [0.5] * 3, 0.2: [0.8] * 3, 0.3: [0.7] * 3, 0.4: [None] * 3}
        assert trial["held_out"] == expected[trial["values"]["dropout"]]
    best = json.loads(node.file("best_hyperparameters", "best_hyperparameters.txt").read_text())
    assert best["values"] == {"dropout": 0.2}
    rows = json.loads(node.file("tuner_results", "tuner_results.json").read_text())
    assert rows[0]["trial_id"] == str(found["best"])
    assert f"auc 0.8000, 0.8000 by cross-validation by trial {found['best']} of 12" in node.note


def _pairs(one, other):
    return zip(one["trials"], other["trials"], strict=True)


@pytest.mark.parametrize(("gains", "best"), [((0.1, 0.2, 0.1, 0.1), 2), ((0.3, -0.1, 0.2, 0.1), 1)])
def test_the_configuration_stays_unless_a_trial_is_better_beyond_chance(tmp_path, gains, best):
    """The mean gains are equal, 0.125; their standard errors are 0.025 and 0.085."""
    from tfx_pipeline.components.tuner.study import Study
    from tfx_pipeline.config.tuning import Tuning

    space = search_space.distributions({"dropout": Range(min=0, max=0.9)})
    study = Study(str(tmp_path / "study.log"), space, Tuning(trials=2), True, {"dropout": 0.1}, 1)
    for number, values in enumerate(([0.5] * 4, [0.5 + gain for gain in gains])):
        trial = study.next()
        study.end(trial, values[0])
        for division, value in enumerate(values[1:], 1):
            study.set_held_out(number, division, value)
    chosen = study.chosen(1)
    assert chosen.trial.number + 1 == best
    assert chosen.mean == pytest.approx(0.5 if best == 1 else 0.625)


def test_of_errors_smaller_ones_are_better(tmp_path):
    from tfx_pipeline.components.tuner.study import Study
    from tfx_pipeline.config.tuning import Tuning

    space = search_space.distributions({"dropout": Range(min=0, max=0.9)})
    study = Study(str(tmp_path / "study.log"), space, Tuning(trials=3), False, {"dropout": 0.1}, 1)
    for number, value in enumerate((0.5, 0.4, 0.6)):
        study.end(study.next(), value)
        study.set_held_out(number, 1, value)
    assert study.chosen(2).trial.number == 1
    assert [trial.number for trial in study.candidates(1)] == [0, 1]


def test_only_the_candidates_and_trial_1_are_compared(node_with_rows):
    found = node_with_rows.execute("lucky", candidates=2, **FOUR)
    compared = [t["number"] for t in found["trials"] if t["held_out"]]
    others = sorted((t for t in found["trials"] if t["number"] > 1), key=lambda t: -t["value"])
    assert compared == sorted([1, *(t["number"] for t in others[:2])])


def test_a_time_out_during_the_comparison_leaves_the_split_eval_to_decide(node_with_rows):
    (node_with_rows.folder / "calls").touch()
    four = {**FOUR, "trials": 4}
    found = node_with_rows.execute("slow_with_other_rows", candidates=3, timeout="45s", **four)
    assert found["timed_out"]
    complete = [t["value"] for t in found["trials"] if t["state"] == "complete"]
    assert found["best_value"] == max(complete)
    assert found["best_mean"] is None


@pytest.mark.parametrize(
    ("function", "settings", "message"),
    [
        ("always_failing", {}, r"all 3 trials failed\. The last: ZeroDivisionError: in the user's"),
        ("silent", {}, r"all 3 trials failed\. The last: .*silent reported no value"),
        (
            "endless",
            {"timeout": "8s"},
            r"no trial ended within tuning.timeout \(8s\); the longest had [01] evaluations",
        ),
        ("no_function", {}, r"has no function or class 'no_function'"),
    ],
)
def test_a_search_without_a_result_says_why(node, function, settings, message):
    with pytest.raises(errors.NodeError, match=message):
        node.execute(function, trials=9, jobs=1, **settings)
