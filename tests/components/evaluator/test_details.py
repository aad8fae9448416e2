"""The intervals, the curves, and what is kept of all rows for the report."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tfx_pipeline.components.evaluator import all_rows, curves, intervals
from tfx_pipeline.components.evaluator.metric_accumulators import (
    BinaryAccumulator,
    MulticlassAccumulator,
    RegressionAccumulator,
)

pytestmark = pytest.mark.tensorflow

RANDOM = np.random.default_rng(4)
LABELS = RANDOM.integers(0, 2, 400)
# Two digits: many rows have the same score.
SCORES = np.round(np.clip(LABELS * 0.3 + RANDOM.random(400) * 0.7, 0, 1), 2)
BINARY = BinaryAccumulator.from_rows(LABELS, SCORES)


def test_wilsons_interval_is_the_published_one():
    # Newcombe (1998), table I: 81 of 263 rows.
    assert intervals.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert intervals.wilson(0, 20)[0] == 0


def test_the_interval_of_auc_is_delongs():
    positives, negatives = SCORES[LABELS == 1], SCORES[LABELS == 0]
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    variance = wins.mean(axis=1).var(ddof=1) / len(positives)
    variance += wins.mean(axis=0).var(ddof=1) / len(negatives)
    half = 1.959964 * np.sqrt(variance)
    low, high = intervals.of(BINARY)["auc"]
    assert (low, high) == pytest.approx((wins.mean() - half, wins.mean() + half), abs=1e-6)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [1, 1, 0, 0]])
def test_an_auc_of_0_or_1_has_no_interval(labels):
    # DeLong's would say that few rows without an error are certain.
    rows = BinaryAccumulator.from_rows(np.array(labels), np.array([0.1, 0.2, 0.7, 0.8]))
    assert rows.metrics()["auc"] in (0, 1)
    assert "auc" not in intervals.of(rows)


@pytest.mark.parametrize("name", sorted(intervals.of(BINARY)))
def test_an_interval_of_a_binary_metric_covers_what_resampling_gives(name):
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(600):
        rows = random.integers(0, len(LABELS), len(LABELS))
        drawn.append(BinaryAccumulator.from_rows(LABELS[rows], SCORES[rows]).metrics()[name])
    low, high = intervals.of(BINARY)[name]
    # Boyd's interval of the area under precision by recall takes only the positive rows.
    slack = 1.0 if name == "auc_precision_recall" else 0.25
    wanted = np.quantile(drawn, [0.025, 0.975])
    assert [low, high] == pytest.approx(list(wanted), abs=slack * (wanted[1] - wanted[0]))


@pytest.mark.parametrize(
    "name", ["mean_absolute_error", "mean_squared_error", "root_mean_squared_error"]
)
def test_an_interval_of_an_error_covers_what_resampling_gives(name):
    random = np.random.default_rng(2)
    labels = random.normal(50, 10, 500)
    predictions = labels + random.normal(0, 3, 500)
    drawn = []
    for _ in range(600):
        rows = random.integers(0, 500, 500)
        drawn.append(
            RegressionAccumulator.from_rows(labels[rows], predictions[rows]).metrics()[name]
        )
    wanted = np.quantile(drawn, [0.025, 0.975])
    found = intervals.of(RegressionAccumulator.from_rows(labels, predictions))[name]
    assert list(found) == pytest.approx(list(wanted), abs=0.2 * (wanted[1] - wanted[0]))


def test_intervals_do_not_depend_on_how_rows_are_batched():
    labels = RANDOM.integers(0, 3, 90)
    predictions = RANDOM.dirichlet([1, 1, 1], 90)
    whole = MulticlassAccumulator.from_rows(labels, predictions)
    parts = MulticlassAccumulator.from_rows(labels[:30], predictions[:30]).merged(
        MulticlassAccumulator.from_rows(labels[30:], predictions[30:])
    )
    for name, pair in intervals.of(whole).items():
        assert intervals.of(parts)[name] == pytest.approx(pair)


def test_metrics_that_are_not_defined_have_no_interval():
    one_class = BinaryAccumulator.from_rows(np.zeros(5, int), np.linspace(0, 0.4, 5))
    assert set(intervals.of(one_class)) == {
        "binary_accuracy",
        "binary_crossentropy",
        "mean_prediction",
    }
    nothing = BinaryAccumulator.from_rows(np.zeros(0, int), np.zeros(0))
    assert intervals.of(nothing) == {}
    assert curves.of(nothing) == {}


def test_the_matrix_at_a_threshold_is_that_of_scikit_learn():
    found = curves.of(BINARY)["thresholds"]
    for index in range(0, len(found["threshold"]), 10):
        threshold = found["threshold"][index]
        predicted = threshold < SCORES
        wanted = sklearn_metrics.confusion_matrix(LABELS, predicted, labels=[0, 1])
        names = "true_negatives", "false_positives", "false_negatives", "true_positives"
        assert [found[name][index] for name in names] == wanted.ravel().tolist()


def test_curves_keep_their_areas_and_ends():
    found = curves.of(BINARY)
    roc = np.array(found["roc"])
    assert roc[0].tolist() == [0, 0]
    assert roc[-1].tolist() == [1, 1]
    area = np.sum(np.diff(roc[:, 0]) * (roc[1:, 1] + roc[:-1, 1]) / 2)
    assert area == pytest.approx(sklearn_metrics.roc_auc_score(LABELS, SCORES), abs=2e-3)
    assert found["precision_recall"][-1] == pytest.approx([1, LABELS.mean()], abs=1e-5)


def test_calibration_and_histogram_count_each_row_once():
    found = curves.of(BINARY)
    groups = found["calibration"]
    assert sum(group["rows"] for group in groups) == 400
    assert sum(group["rows"] * group["share"] for group in groups) == pytest.approx(LABELS.sum())
    assert sum(found["histogram"]["positives"]) == LABELS.sum()
    assert sum(found["histogram"]["negatives"]) == 400 - LABELS.sum()


def test_a_rare_class_has_thresholds_among_its_scores():
    scores = np.linspace(0.0001, 0.004, 500)
    found = curves.of(BinaryAccumulator.from_rows((scores > 0.0035).astype(int), scores))
    assert sum(0 < t < 0.004 for t in found["thresholds"]["threshold"]) > 50


def test_the_confusion_matrix_of_classes_is_that_of_scikit_learn():
    labels = RANDOM.integers(0, 3, 200)
    predictions = RANDOM.dirichlet([1, 1, 1], 200)
    parts = [
        all_rows.of_all_rows(
            "multiclass", labels[part], predictions[part], np.ones(100), ["a", "b", "c"]
        )
        for part in (slice(100), slice(100, 200))
    ]
    found = curves.of(parts[0].merged(parts[1]))
    names = found["confusion"]["classes"]
    order = ["abc".index(name) for name in names]
    wanted = sklearn_metrics.confusion_matrix(labels, predictions.argmax(axis=1))
    assert found["confusion"]["rows"] == wanted[np.ix_(order, order)].tolist()
    by_class = {row["class"]: row for row in found["classes"]}
    recall = sklearn_metrics.recall_score(labels, predictions.argmax(axis=1), average=None)
    assert [by_class[name]["recall"] for name in "abc"] == pytest.approx(recall.tolist())


def test_a_sample_of_a_regression_is_the_same_however_it_is_merged():
    labels = RANDOM.normal(0, 1, 5000)
    predictions = labels + 0.1

    def of(rows):
        return all_rows.of_all_rows(
            "regression", labels[rows], predictions[rows], np.ones(len(labels[rows])), []
        )

    one = of(slice(2000)).merged(of(slice(2000, 5000)))
    other = of(slice(4000, 5000)).merged(of(slice(1000, 4000)).merged(of(slice(1000))))
    assert curves.of(one) == curves.of(other)
    assert len(one.sample) == 2000
    assert one.sample[:, 1].mean() == pytest.approx(0, abs=0.1)
    assert curves.of(one)["residuals"]["edges"][0] == pytest.approx(0.1, abs=1e-4)


@pytest.mark.parametrize("error", [0.0, 0.1, 1e-9, np.inf])
def test_residuals_that_are_nearly_equal_have_a_histogram(error):
    labels = RANDOM.normal(0, 1, 500)
    rows = all_rows.of_all_rows("regression", labels, labels + error, np.ones(500), [])
    counts = curves.of(rows)["residuals"]["counts"]
    assert sum(counts) == (500 if np.isfinite(error) else 0)
