"""The Evaluator's numbers, files and blessings."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from sklearn import metrics as sklearn_metrics
from tfx.types import channel_utils, standard_artifacts

from tests.components import harness
from tests.components.executing import AsNode
from tfx_pipeline import errors
from tfx_pipeline.components.evaluator import component as evaluator
from tfx_pipeline.components.evaluator import executor, metric_accumulators, plots, scoring
from tfx_pipeline.components.evaluator.eval_config import eval_config
from tfx_pipeline.components.evaluator.metric_accumulators import (
    BinaryAccumulator,
    MulticlassAccumulator,
    RegressionAccumulator,
)
from tfx_pipeline.config import metric_catalog
from tfx_pipeline.metadata import node_record

pytestmark = pytest.mark.tensorflow

ROWS = harness.rows(1500)
LABELS = [row[harness.LABEL] for row in ROWS]
ALL_BINARY = dict.fromkeys(metric_catalog.for_task("binary"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluator")


@pytest.fixture(scope="module")
def examples(folder):
    return harness.examples(folder / "examples", ROWS)


@pytest.fixture(scope="module")
def model(folder):
    return harness.save(folder / "model", harness.Scoring(), 1)


@pytest.fixture(scope="module")
def constant_model(folder):
    half = harness.Scoring(lambda raw: 0.0 * harness.clean(raw["miles"]) + 0.5)
    return harness.save(folder / "constant", half, 2)


@pytest.fixture
def evaluate(tmp_path, examples):
    def run(
        model,
        metrics,
        baseline=(),
        slices=(),
        task="binary",
        data=examples,
        label="big",
        weight=None,
    ):
        component = evaluator.Evaluator(
            channel_utils.as_channel([data]),
            channel_utils.as_channel([model]),
            label=label,
            task=task,
            metrics=metrics,
            slices=slices,
            weight=weight,
        )
        evaluation = harness.artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
        blessing = harness.artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        output = AsNode(executor.Executor).Do(
            {"examples": [data], "model": [model], "baseline_model": list(baseline)},
            {"evaluation": [evaluation], "blessing": [blessing]},
            dict(component.exec_properties),
        )
        if output is not None:
            assert output.execution_result.code in (0, node_record.REFUSED_CODE)
            run.notes.append(output.execution_result.result_message)
            if output.execution_result.code:
                return output.execution_result.result_message, None
        return (
            harness.published(output, evaluation, "evaluation"),
            harness.published(output, blessing, "blessing"),
        )

    run.notes = []
    return run


def found_metrics(evaluation, name="metrics"):
    return json.loads(evaluation.get_string_custom_property(name))


def findings(blessing):
    return json.loads(blessing.get_string_custom_property("findings") or "[]")


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


def test_metrics_are_those_of_tfma(tmp_path):
    """The definitions of the classes that the configuration names, on unusual data as well."""
    frame_label, frame_p = np.array(LABELS[:300], float), harness.probabilities(ROWS[:300])
    config = eval_config("label", "binary", ALL_BINARY, [])
    config.model_specs[0].prediction_key = "prediction"
    data = pd.DataFrame({"label": frame_label, "prediction": frame_p})
    stock = tfma.analyze_raw_data(data, config).slicing_metrics[0][1][""][""]
    stock = {name: value["doubleValue"] for name, value in stock.items()}
    ours = BinaryAccumulator.from_rows(frame_label, frame_p).metrics()
    assert ours == pytest.approx(stock, abs=1e-3)


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


@pytest.mark.parametrize("seed", range(3))
def test_weighted_multiclass_and_regression_are_those_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    weights = random.exponential(size=200) * (random.random(200) > 0.1)
    each, half = {"sample_weight": weights}, slice(0, 90)
    rest = slice(90, 200)
    ids, p = random.integers(3, size=200), random.dirichlet([1, 1, 1], 200)
    one, two = (MulticlassAccumulator.from_rows(ids[s], p[s], weights[s]) for s in (half, rest))
    assert one.merged(two).metrics() == pytest.approx(
        {
            "accuracy": sklearn_metrics.accuracy_score(ids, p.argmax(axis=1), **each),
            "crossentropy": sklearn_metrics.log_loss(ids, p, **each),
            "example_count": 200,
            "weighted_example_count": weights.sum(),
        }
    )
    y = random.normal(1e6, 3, 200)
    z = y + random.normal(size=200)
    one, two = (RegressionAccumulator.from_rows(y[s], z[s], weights[s]) for s in (half, rest))
    found = one.merged(two).metrics()
    squared = sklearn_metrics.mean_squared_error(y, z, **each)
    x, z_centred = (v - np.average(v, weights=weights) for v in (y, z))
    covariance, variances = weights @ (x * z_centred), (weights @ x**2) * (weights @ z_centred**2)
    assert found == pytest.approx(
        {
            "mean_squared_error": squared,
            "mean_absolute_error": sklearn_metrics.mean_absolute_error(y, z, **each),
            "root_mean_squared_error": np.sqrt(squared),
            "r_squared": sklearn_metrics.r2_score(y, z, **each),
            "squared_pearson_correlation": covariance**2 / variances,
            "example_count": 200,
            "weighted_example_count": weights.sum(),
        }
    )
    nothing = RegressionAccumulator.from_rows(y[:2], z[:2], np.zeros(2))
    assert one.merged(nothing).metrics()["r_squared"] == one.metrics()["r_squared"]
    assert nothing.merged(one).metrics()["r_squared"] == pytest.approx(one.metrics()["r_squared"])


def test_weighted_metrics_are_those_of_tfma():
    label, p = np.array(LABELS[:300], float), harness.probabilities(ROWS[:300])
    weights = np.random.default_rng(5).exponential(size=300)
    names = {name: None for name in ALL_BINARY if name != "example_count"}
    config = eval_config("label", "binary", names, [], "weight")
    config.model_specs[0].prediction_key = "prediction"
    data = pd.DataFrame({"label": label, "prediction": p, "weight": weights})
    stock = tfma.analyze_raw_data(data, config).slicing_metrics[0][1][""][""]
    stock = {name: value["doubleValue"] for name, value in stock.items()}
    ours = BinaryAccumulator.from_rows(label, p, weights).metrics()
    del ours["example_count"]
    assert ours == pytest.approx(stock, abs=1e-3)


@pytest.mark.parametrize("weight", ["", "weight"])
def test_plots_are_those_of_tfma(weight):
    """Scores between the thousandths: TFMA counts in a histogram, we count rows."""
    random = np.random.default_rng(6)
    label, p = random.integers(2, size=300), (random.integers(1000, size=300) + 0.5) / 1000
    weights = random.exponential(size=300) if weight else np.ones(300)
    config = eval_config("label", "binary", {"auc": None}, [], weight or None)
    config.model_specs[0].prediction_key = "prediction"
    for name in ("ConfusionMatrixPlot", "CalibrationPlot"):
        config.metrics_specs[0].metrics.add(class_name=name)
    data = pd.DataFrame({"label": label.astype(float), "prediction": p, "weight": weights})
    stock = tfma.analyze_raw_data(data, config).plots[0][1][""][""]
    rows = BinaryAccumulator.from_rows(label, p, weights if weight else None)
    [(_, found)] = plots.of_slice(bool(weight), (), {"": rows})
    ours = {key.name: json_format.MessageToDict(plot) for key, plot in found.items()}
    confusion, calibration = ours["confusion_matrix_plot"], ours["calibration_plot"]
    for mine, theirs in (
        (confusion["matrices"], stock["confusionMatrixAtThresholds"]["matrices"]),
        (calibration["buckets"], stock["calibrationHistogramBuckets"]["buckets"]),
    ):
        assert len(mine) == len(theirs) > 1000
        for one, other in zip(mine, theirs, strict=True):
            one, other = ({k: float(v) for k, v in row.items()} for row in (one, other))
            assert one == pytest.approx(other, rel=1e-5, abs=1e-6, nan_ok=True)


def test_auc_of_rare_positives_is_exact():
    """All scores are below 1 %: with a fixed number of thresholds they would be equal."""
    random = np.random.default_rng(3)
    labels = (random.random(200_000) < 0.002).astype(int)
    scores = (0.002 * np.exp(random.normal(0, 0.5, 200_000) + 0.6 * labels)).astype(np.float32)
    found = BinaryAccumulator.from_rows(labels, scores).metrics()
    assert found["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-9)
    assert found["binary_crossentropy"] == pytest.approx(
        sklearn_metrics.log_loss(labels, scores.astype(float)), rel=1e-6
    )


def test_beyond_the_bound_scores_are_rounded_to_16_bits(monkeypatch):
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 50_000)
    scores = 1e-4 * random.random(50_000) * (1 + labels)
    exact = BinaryAccumulator.from_rows(labels, scores)
    monkeypatch.setattr(metric_accumulators, "MOST_SCORES", 1000)
    rounded = BinaryAccumulator.from_rows(labels, scores)
    assert len(rounded.scores) < len(exact.scores)
    assert np.isin(rounded.scores, exact.scores).mean() < 1
    assert rounded.metrics()["auc"] == pytest.approx(exact.metrics()["auc"], abs=1e-5)


def test_merged_accumulators_of_parts_have_the_metrics_of_the_whole():
    random = np.random.default_rng(0)
    yes, p, x = random.integers(0, 2, 90), random.random(90), random.normal(1e6, 1, 90)
    three, many = random.integers(0, 3, 90), random.dirichlet([1, 1, 1], 90)
    for accumulator, labels, predictions in [
        (BinaryAccumulator, yes, p),
        (MulticlassAccumulator, three, many),
        (RegressionAccumulator, x, x + random.normal(0, 1, 90)),
    ]:
        whole = accumulator.from_rows(labels, predictions)
        parts = accumulator.from_rows(labels[:10], predictions[:10])
        for part in (slice(10, 11), slice(11, 90)):
            parts = parts.merged(accumulator.from_rows(labels[part], predictions[part]))
        assert parts.metrics() == pytest.approx(whole.metrics())


def test_regression_and_multiclass_metrics_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    x = random.normal(1e6, 2, 200)
    y = x + random.normal(0, 1, 200)
    found = RegressionAccumulator.from_rows(x, y).metrics()
    assert found["mean_squared_error"] == pytest.approx(sklearn_metrics.mean_squared_error(x, y))
    assert found["mean_absolute_error"] == pytest.approx(sklearn_metrics.mean_absolute_error(x, y))
    assert found["r_squared"] == pytest.approx(sklearn_metrics.r2_score(x, y))
    assert found["squared_pearson_correlation"] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    ids, p = random.integers(0, 3, 200), random.dirichlet([1, 1, 1], 200)
    found = MulticlassAccumulator.from_rows(ids, p).metrics()
    assert found["accuracy"] == pytest.approx((p.argmax(axis=1) == ids).mean())
    assert found["crossentropy"] == pytest.approx(sklearn_metrics.log_loss(ids, p))


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


class Named(harness.Scoring):
    """A classification into named classes."""

    names = ("no", "maybe", "yes")

    def answer(self, raw):
        yes = tf.sigmoid(harness.clean(raw["miles"]) - 5) * self.weight
        names = tf.tile(tf.constant([self.names]), [tf.size(yes), 1])
        return {
            "probabilities": tf.stack([0.9 - 0.9 * yes, 0.1 * yes / yes, 0.9 * yes], 1),
            "classes": names,
        }


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


def test_a_machine_without_memory_is_not_the_models_fault(evaluate, model, monkeypatch):
    def call(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(scoring.ServedModel, "call", call)
    with pytest.raises(RuntimeError, match="OOM when allocating"):
        evaluate(model, {"auc": None})


def test_an_unknown_metric_is_refused_with_a_hint(examples, model):
    with pytest.raises(errors.ConfigError, match="Did you mean 'auc'"):
        eval_config("big", "binary", {"aucc": None}, [])


def details(evaluation):
    with open(f"{evaluation.uri}/details.json") as file:
        return json.load(file)


def test_details_have_every_slice_with_the_same_metrics_as_the_properties(
    evaluate, model, constant_model
):
    evaluation, _ = evaluate(
        model, ALL_BINARY, baseline=[constant_model], slices=[["city"], ["hour"]]
    )
    found = details(evaluation)
    overall, *slices = found["slices"]
    assert (found["task"], found["label"], overall["slice"]) == ("binary", "big", [])
    metrics = found_metrics(evaluation)
    assert {n: overall["candidate"]["metrics"][n] for n in metrics} == pytest.approx(metrics)
    assert overall["baseline"]["metrics"]["auc"] == 0.5
    low, high = overall["candidate"]["intervals"]["auc"]
    assert low < metrics["auc"] < high
    assert [s["slice"] for s in slices[:3]] == [[["city", c]] for c in ("Bath", "Oslo", "Rome")]
    assert sum(s["candidate"]["metrics"]["example_count"] for s in slices[3:]) == len(ROWS)
    assert "curves" in overall["candidate"]
    assert "curves" not in slices[0]["candidate"]


def test_rows_with_weights_have_no_intervals(evaluate, model, tmp_path):
    rows = [{**row, "w": 1.0 + row["hour"]} for row in ROWS[:200]]
    data = harness.examples(tmp_path / "weighted", rows)
    evaluation, _ = evaluate(model, {"auc": None}, data=data, weight="w")
    assert details(evaluation)["slices"][0]["candidate"]["intervals"] == {}


def test_the_importance_of_columns_is_that_of_the_model(evaluate, model, constant_model):
    evaluation, _ = evaluate(model, {"auc": None})
    found = details(evaluation)["importance"]
    assert set(found["columns"]) == {"miles", "hour", "city"}
    auc = {name: metrics["auc"] for name, metrics in found["columns"].items()}
    whole = found["metrics"]["auc"]
    assert found["metrics"]["example_count"] == 500
    assert auc["miles"] < whole - 0.1
    assert auc["city"] < whole - 0.01
    assert auc["hour"] == whole  # the model does not use it
    constant, _ = evaluate(constant_model, {"auc": None})
    for metrics in details(constant)["importance"]["columns"].values():
        assert metrics["auc"] == 0.5


def test_weak_slices_are_of_the_models_own_scores(evaluate, model, tmp_path):
    evaluation, _ = evaluate(model, {"auc": None})
    found = details(evaluation)["weak_slices"]
    assert found["loss"] == "binary_crossentropy"
    assert 0 < found["rows"] <= 4096
    assert found["tested"] > 0
    for of_slice in found["slices"]:
        assert of_slice["loss"] > of_slice["other_loss"]
        assert of_slice["metrics"]["binary_crossentropy"] == pytest.approx(of_slice["loss"])
