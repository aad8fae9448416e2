"""The Evaluator's numbers, files and blessings."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from sklearn import metrics as sklearn_metrics
from tfx.types import standard_artifacts

from tests.components import harness
from tests.components.evaluator.evaluating import (
    ALL_BINARY,
    LABELS,
    ROWS,
    Named,
    findings,
    found_metrics,
)
from tfx_pipeline import errors
from tfx_pipeline.components.evaluator import scoring
from tfx_pipeline.components.evaluator.eval_config import eval_config
from tfx_pipeline.config import metric_catalog

pytestmark = pytest.mark.tensorflow


def test_binary_metrics_are_those_of_scikit_learn(evaluate, model):
    evaluation, blessing = evaluate(model, ALL_BINARY)
    p, predicted = harness.probabilities(ROWS), harness.probabilities(ROWS) > 0.5
    expected = {
        "auc": sklearn_metrics.roc_auc_score(LABELS, p),
        "auc_precision_recall": sklearn_metrics.average_precision_score(LABELS, p),
        "binary_accuracy": sklearn_metrics.accuracy_score(LABELS, predicted),
        "precision": sklearn_metrics.precision_score(LABELS, predicted),
        "recall": sklearn_metrics.recall_score(LABELS, predicted),
        "f1_score": sklearn_metrics.f1_score(LABELS, predicted),
        "binary_crossentropy": sklearn_metrics.log_loss(LABELS, p),
        "calibration": p.sum() / np.sum(LABELS),
        "mean_prediction": p.mean(),
        "example_count": len(ROWS),
        "weighted_example_count": len(ROWS),
    }
    assert found_metrics(evaluation) == pytest.approx(expected, abs=1e-3)
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_int_custom_property("current_model_id") == model.id


def test_weighted_metrics_are_those_of_scikit_learn(evaluate, model, tmp_path):
    weights = np.random.default_rng(5).exponential(size=len(ROWS)).astype(np.float32)
    weights[::7] = 0
    rows = [{**row, "w": float(w)} for row, w in zip(ROWS, weights, strict=True)]
    data = harness.examples(tmp_path / "weighted", rows)
    metrics = {**ALL_BINARY, "auc": {"min": 0.5}, "binary_accuracy": {"min": 0.999}}
    evaluation, blessing = evaluate(model, metrics, data=data, weight="w", slices=[["city"]])
    p, predicted = harness.probabilities(ROWS), harness.probabilities(ROWS) > 0.5
    each = {"sample_weight": weights}
    expected = {
        "auc": sklearn_metrics.roc_auc_score(LABELS, p, **each),
        "auc_precision_recall": sklearn_metrics.average_precision_score(LABELS, p, **each),
        "binary_accuracy": sklearn_metrics.accuracy_score(LABELS, predicted, **each),
        "precision": sklearn_metrics.precision_score(LABELS, predicted, **each),
        "recall": sklearn_metrics.recall_score(LABELS, predicted, **each),
        "f1_score": sklearn_metrics.f1_score(LABELS, predicted, **each),
        "binary_crossentropy": sklearn_metrics.log_loss(LABELS, p, **each),
        "calibration": p @ weights / (np.array(LABELS) @ weights),
        "mean_prediction": np.average(p, weights=weights),
        "example_count": len(ROWS),
        "weighted_example_count": weights.sum(),
    }
    assert found_metrics(evaluation) == pytest.approx(expected, rel=1e-3)
    # Only the threshold that is too high is missed: TFMA finds both under their weighted keys.
    assert [finding["subject"] for finding in findings(blessing)] == ["binary_accuracy"]


def test_a_metric_that_is_not_defined_is_no_number_and_meets_no_threshold(
    evaluate, model, tmp_path
):
    only_yes = harness.examples(tmp_path / "yes", [r for r in ROWS if r["big"]][:20])
    evaluation, blessing = evaluate(model, {"auc": {"min": 0.1}}, data=only_yes)
    assert found_metrics(evaluation) == {"auc": None}
    assert found_metrics(evaluation, "undefined_metrics") == {"auc": "all rows are of one class"}
    assert findings(blessing)[0]["found"] == "not defined: all rows are of one class"


def test_thresholds_bless_or_say_why_not(evaluate, model):
    wanted = {"auc": {"min": 0.99}, "binary_crossentropy": {"max": 0.01}, "recall": {"min": 0.1}}
    _, blessing = evaluate(model, wanted)
    assert blessing.get_int_custom_property("blessed") == 0
    assert [(f["subject"], f["rule"]) for f in findings(blessing)] == [
        ("auc", "min 0.99"),
        ("binary_crossentropy", "max 0.01"),
    ]


def test_thresholds_hold_for_all_rows_together_and_not_for_slices(evaluate, model):
    evaluation, blessing = evaluate(model, {"example_count": {"min": 1000}}, slices=[["hour"]])
    assert blessing.get_int_custom_property("blessed") == 1
    result = tfma.load_eval_result(evaluation.uri)
    slices = {key: of_slice[""][""] for key, of_slice in result.slicing_metrics}
    assert len(slices) == 25
    in_hour = sum(row["hour"] == 7 for row in ROWS)
    assert slices[(("hour", 7),)]["example_count"]["doubleValue"] == in_hour


def test_slices_cross_and_leave_out_rows_without_a_value(evaluate, model):
    evaluation, _ = evaluate(model, {"example_count": None}, slices=[["city", "hour"]])
    result = tfma.load_eval_result(evaluation.uri)
    counts = [m[""][""]["example_count"]["doubleValue"] for key, m in result.slicing_metrics if key]
    assert sum(counts) == sum("city" in row for row in ROWS)
    assert len(counts) == 72


def test_string_labels_are_classes_by_the_models_own_names(evaluate, tmp_path):
    named = [{**row, "big": "yes" if row["miles"] > 5 else "no"} for row in ROWS]
    named += [{"miles": 1.0, "big": "never heard of"}, {"miles": 1.0}]
    data = harness.examples(tmp_path / "named", named)
    model = harness.save(tmp_path / "model", Named())
    wanted = dict.fromkeys(metric_catalog.for_task("multiclass"))
    evaluation, _ = evaluate(model, wanted, task="multiclass", data=data)
    found = found_metrics(evaluation)
    # A class that the model does not know is an error of the model; a row without label is none.
    assert found["example_count"] == len(ROWS) + 1
    assert found["accuracy"] == pytest.approx(1 - 1 / (len(ROWS) + 1), abs=0.05)


class Regression(harness.Scoring):
    def answer(self, raw):
        return {"predictions": harness.clean(raw["miles"]) * self.weight}


def test_a_regression(evaluate, tmp_path):
    model = harness.save(tmp_path / "model", Regression())
    data = harness.examples(tmp_path / "data", [{**r, "big": r["miles"] + 2.0} for r in ROWS])
    wanted = dict.fromkeys(metric_catalog.for_task("regression"))
    evaluation, _ = evaluate(model, wanted, task="regression", data=data)
    found = found_metrics(evaluation)
    assert found["mean_absolute_error"] == pytest.approx(2, abs=1e-4)
    # All predictions are off by 2, which the correlation does not see.
    labels = np.array([r["miles"] + 2.0 for r in ROWS])
    assert found["r_squared"] == pytest.approx(
        sklearn_metrics.r2_score(labels, labels - 2), abs=1e-4
    )
    assert found["squared_pearson_correlation"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("yes", "no"), [("Yes", "no"), (1.0, 0.0), ("true", "FALSE")])
def test_a_binary_label_may_be_spelled_in_several_ways(evaluate, tmp_path, yes, no):
    named = harness.Scoring()
    plain = named.answer
    named.answer = lambda raw: {
        **plain(raw),
        "classes": tf.tile(tf.constant([["0", "1"]]), [tf.size(raw["miles"]), 1]),
    }
    data = harness.examples(
        tmp_path / "data", [{**r, "big": yes if r["big"] else no} for r in ROWS]
    )
    evaluation, _ = evaluate(harness.save(tmp_path / "model", named), {"auc": None}, data=data)
    expected = sklearn_metrics.roc_auc_score(LABELS, harness.probabilities(ROWS))
    assert found_metrics(evaluation)["auc"] == pytest.approx(expected, abs=1e-3)


def test_no_usable_label_is_an_error_that_says_so(evaluate, model, tmp_path):
    data = harness.examples(tmp_path / "data", [{"miles": 1.0}])
    with pytest.raises(errors.NodeError, match="no row of the test split has a usable label"):
        evaluate(model, {"auc": None}, data=data)


def test_outputs_of_another_shape_are_an_error_that_names_it(evaluate, model):
    with pytest.raises(
        errors.NodeError, match=r"output 'predictions' has shape \[1500, 2\]; regression"
    ):
        evaluate(model, {"mean_squared_error": None}, task="regression")


def test_a_model_with_other_outputs_is_an_error_that_names_them(evaluate, tmp_path):
    other = harness.Scoring()
    other.answer = lambda raw: {"scores": raw["miles"], "logits": raw["miles"]}
    model = harness.save(tmp_path / "model", other)
    with pytest.raises(errors.NodeError, match=r"no output 'predictions'\. It has: logits, scores"):
        evaluate(model, {"mean_squared_error": None}, task="regression")


def asserting(raw):
    """As a layer that has seen no hour from 12 on in training."""
    with tf.control_dependencies(
        [tf.debugging.assert_less(raw["hour"], tf.constant(12, tf.int64))]
    ):
        return tf.sigmoid(harness.clean(raw["miles"]))


UNFIT = {
    "asserts": asserting,
    "one result": lambda raw: tf.sigmoid(harness.clean(raw["miles"]))[:1],
}


def unfit_model(kind, folder):
    """A model that TensorFlow Serving could not serve."""
    if kind == "no model":
        return harness.artifact(standard_artifacts.Model, folder)
    module = harness.Scoring(UNFIT.get(kind))
    if kind == "no serving_default":
        return harness.save(folder, module, predict=module.serve)
    return harness.save(folder, module, serving_default=module.serve)


@pytest.mark.parametrize(
    ("kind", "subject", "rule", "found"),
    [
        ("no model", "model", "loads in a graph session", "SavedModel file does not exist"),
        ("no serving_default", "model", "has serving_default", "it has predict"),
        ("asserts", "serving_default", "answers the rows of the test split", "assertion failed"),
        ("one result", "serving_default", "one result for each row", "has shape [1, 2] for 1500"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused(evaluate, tmp_path, kind, subject, rule, found):
    """And does not fail, whether or not the export check has found it out."""
    message, _ = evaluate(unfit_model(kind, tmp_path / "model"), {"auc": None})
    refusal = json.loads(message)
    assert "cannot be served" in refusal["message"]
    (finding,) = refusal["findings"]
    assert (finding["subject"], finding["rule"][: len(rule)]) == (subject, rule)
    assert found in finding["found"]


def test_a_machine_without_memory_is_not_the_models_fault(evaluate, model, monkeypatch):
    def call(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(scoring.ServedModel, "call", call)
    with pytest.raises(RuntimeError, match="OOM when allocating"):
        evaluate(model, {"auc": None})


def test_an_unknown_metric_is_refused_with_a_hint(examples, model):
    with pytest.raises(errors.ConfigError, match="Did you mean 'auc'"):
        eval_config("big", "binary", {"aucc": None}, [])
