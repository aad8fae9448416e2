"""The Evaluator beside a baseline: what is compared, and what is not."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.types import standard_artifacts

from tests.components import harness
from tests.components.evaluator.evaluating import ROWS, Named, findings, found_metrics

pytestmark = pytest.mark.tensorflow


def test_a_worse_model_than_the_baseline_is_not_blessed(evaluate, model, constant_model):
    wanted = {
        "auc": {"not_worse_than_baseline_by": 0.01},
        "binary_crossentropy": {"not_worse_than_baseline_by": 0.01},
    }
    evaluation, blessing = evaluate(constant_model, wanted, [model])
    assert found_metrics(evaluation)["auc"] == pytest.approx(0.5)
    assert found_metrics(evaluation, "baseline_metrics")["auc"] > 0.8
    rules = {f["subject"]: f["rule"] for f in findings(blessing)}
    assert rules == dict.fromkeys(wanted, "not worse than the baseline by 0.01")
    assert blessing.get_int_custom_property("baseline_model_id") == model.id


def test_a_better_model_than_the_baseline_is_blessed(evaluate, model, constant_model):
    wanted = {
        "auc": {"not_worse_than_baseline_by": 0.0},
        "binary_crossentropy": {"not_worse_than_baseline_by": 0.0},
    }
    evaluation, blessing = evaluate(model, wanted, [constant_model])
    assert blessing.get_int_custom_property("blessed") == 1
    assert tfma.load_eval_result(evaluation.uri, model_name="baseline").slicing_metrics


def test_without_or_with_itself_as_baseline_no_comparison_is_made(evaluate, model):
    wanted = {"auc": {"not_worse_than_baseline_by": 0.0}}
    evaluation, blessing = evaluate(model, wanted, [model])
    assert blessing.get_int_custom_property("blessed") == 1
    assert not evaluation.get_string_custom_property("baseline_metrics")
    assert not blessing.get_int_custom_property("baseline_model_id")


def test_a_baseline_that_cannot_be_scored_is_not_the_candidates_fault(evaluate, model, tmp_path):
    gone = harness.artifact(standard_artifacts.Model, tmp_path / "gone", 9)
    wanted = {"auc": {"min": 0.5, "not_worse_than_baseline_by": 0.0}}
    evaluation, blessing = evaluate(model, wanted, [gone])
    assert found_metrics(evaluation)["auc"] > 0.5
    assert blessing.get_int_custom_property("blessed") == 1
    assert not blessing.get_int_custom_property("baseline_model_id")
    assert "baseline was not compared" in evaluate.notes[-1]
    assert "SavedModel file does not exist" in evaluate.notes[-1]


def test_a_metric_that_is_not_defined_for_the_baseline_is_not_compared(
    evaluate, model, constant_model
):
    # All predictions of the baseline are 0.5: no row is predicted to be of class 1.
    wanted = {
        "precision": {"not_worse_than_baseline_by": 0.0},
        "recall": {"not_worse_than_baseline_by": 0.0},
    }
    evaluation, blessing = evaluate(model, wanted, [constant_model])
    assert found_metrics(evaluation, "baseline_metrics")["precision"] is None
    assert blessing.get_int_custom_property("blessed") == 1
    note = json.loads(evaluate.notes[-1])
    assert note["message"] == (
        "the baseline was not compared by precision: not defined for the baseline"
    )
    assert [(f["subject"], f["rule"]) for f in note["findings"]] == [
        ("precision", "compared with the baseline")
    ]


class TwoClasses(harness.Scoring):
    """A binary classification into classes with names of their own."""

    def __init__(self, *names):
        super().__init__()
        self.names = names

    def answer(self, raw):
        yes = tf.sigmoid(harness.clean(raw["miles"]) - 5) * self.weight
        names = tf.tile(tf.constant([self.names]), [tf.size(yes), 1])
        return {"probabilities": tf.stack([1 - yes, yes], 1), "classes": names}


def test_a_binary_baseline_that_does_not_know_a_label_is_not_compared(evaluate, tmp_path):
    rows = [{**r, "big": "big" if r["miles"] > 5 else "small"} for r in ROWS]
    data = harness.examples(tmp_path / "data", rows)
    candidate = harness.save(tmp_path / "candidate", TwoClasses("small", "big"), 7)
    baseline = harness.save(tmp_path / "baseline", TwoClasses("small", "large"), 8)
    wanted = {"auc": {"not_worse_than_baseline_by": 0.0}, "example_count": None}
    evaluation, blessing = evaluate(candidate, wanted, [baseline], data=data)
    assert found_metrics(evaluation)["example_count"] == len(ROWS)
    assert blessing.get_int_custom_property("blessed") == 1
    note = json.loads(evaluate.notes[-1])
    assert "baseline was not compared" in note["message"]
    assert note["findings"][0]["found"] == "it does not know the label 'big'"


class OtherNames(Named):
    """A classification that knows no `yes`."""

    names = ("no", "maybe", "perhaps")


def test_rows_of_a_class_that_the_baseline_does_not_know_count(evaluate, tmp_path):
    rows = [{**r, "big": "yes" if r["miles"] > 5 else "no"} for r in ROWS]
    data = harness.examples(tmp_path / "data", rows)
    candidate = harness.save(tmp_path / "candidate", Named(), 7)
    baseline = harness.save(tmp_path / "baseline", OtherNames(), 8)
    wanted = {"accuracy": {"not_worse_than_baseline_by": 0.0}, "example_count": None}
    evaluation, blessing = evaluate(candidate, wanted, [baseline], task="multiclass", data=data)
    found = found_metrics(evaluation), found_metrics(evaluation, "baseline_metrics")
    assert [metrics["example_count"] for metrics in found] == [len(ROWS)] * 2
    assert found[1]["accuracy"] < found[0]["accuracy"]
    assert blessing.get_int_custom_property("blessed") == 1
