"""Slices that are found by themselves, on rows whose weak part is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from tfx_pipeline.components.evaluator import weak_slices
from tfx_pipeline.components.evaluator.feature_reader import RawColumn

pytestmark = pytest.mark.tensorflow

ROWS = 2000


def _column(values):
    """A column with one value in each row; None is none."""
    present = [value for value in values if value is not None]
    counts = [value is not None for value in values]
    kind = object if isinstance(present[0], bytes) else None
    return RawColumn(np.array(present, kind), np.concatenate([[0], np.cumsum(counts)]))


@pytest.fixture(scope="module")
def table():
    """Labels, scores that are right but for one city and high fares, and the columns."""
    random = np.random.default_rng(5)
    labels = random.integers(0, 2, ROWS)
    city = random.choice(["京都", "Köln", "Lyon"], ROWS)
    fare = random.gamma(2.0, 10.0, ROWS).astype(np.float32)
    noise = random.random(ROWS)
    is_weak = (city == "Köln") | (fare > np.quantile(fare, 0.75))
    scores = np.where(is_weak, 0.3 + 0.4 * noise, np.clip(labels + 0.2 * (noise - 0.5), 0.05, 0.95))
    columns = {
        "city": _column([name.encode() for name in city]),
        "fare": _column(list(fare)),
        "hour": _column(list(random.integers(0, 12, ROWS))),
        "tip": _column([1.0 if missing else None for missing in random.random(ROWS) < 0.5]),
    }
    return labels, scores, columns, city


def test_the_weak_values_and_ranges_are_found_and_no_others(table):
    labels, scores, columns, city = table
    found = weak_slices.find("binary", labels, scores, columns, np.arange(ROWS))
    by_name = {tuple(of_slice["slice"][0]): of_slice for of_slice in found["slices"]}
    edge = np.quantile(columns["fare"].values.astype(float), 0.75)
    assert set(by_name) == {("city", "Köln"), ("fare", f"from {edge:.6g}")}
    assert found["tested"] == 3 + 4 + 12 + 2
    inside = city == "Köln"
    koln = by_name["city", "Köln"]
    assert koln["positions"].tolist() == np.flatnonzero(inside).tolist()
    assert koln["loss"] == pytest.approx(metrics.log_loss(labels[inside], scores[inside]))
    assert koln["other_loss"] == pytest.approx(metrics.log_loss(labels[~inside], scores[~inside]))


def test_the_p_value_is_welchs_times_the_number_of_slices():
    random = np.random.default_rng(3)
    part = np.repeat([0, 1], [1700, 300])
    labels, predictions = np.zeros(ROWS), random.normal(0, 1 + 0.15 * part)
    rows = np.arange(ROWS)
    found = weak_slices.find("regression", labels, predictions, {"part": _column(list(part))}, rows)
    [of_slice] = found["slices"]
    squared = predictions**2
    test = stats.ttest_ind(
        squared[part == 1], squared[part == 0], equal_var=False, alternative="greater"
    )
    assert of_slice["slice"] == [["part", "1"]]
    assert of_slice["p_value"] == pytest.approx(2 * test.pvalue, rel=0.2)  # by the normal curve


def test_chance_alone_is_hardly_ever_a_slice():
    random = np.random.default_rng(7)
    alarms = 0
    for _ in range(200):
        labels, scores = random.integers(0, 2, 500), random.random(500)
        columns = {f"c{n}": _column(list(random.integers(0, 5, 500))) for n in range(8)}
        alarms += bool(
            weak_slices.find("binary", labels, scores, columns, np.arange(500))["slices"]
        )
    assert alarms <= 6  # 1 % of the tables, and what 200 tables may deviate


def test_only_rows_with_a_label_count(table):
    labels, scores, columns, city = table
    rows = np.flatnonzero(city != "京都")
    found = weak_slices.find("binary", labels, scores, columns, rows)
    for of_slice in found["slices"]:
        if of_slice["slice"] == [["city", "Köln"]]:
            assert (city[rows[of_slice["positions"]]] == "Köln").all()
            break
    else:
        pytest.fail("the city is not found")


def test_losses_of_classes_and_of_a_class_that_the_model_does_not_have():
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]])
    found = weak_slices.losses("multiclass", np.array([0, 2, 3]), scores)
    assert found == pytest.approx([-np.log(0.7), -np.log(0.8), -np.log(1e-7)])
    assert found[:2].mean() == pytest.approx(metrics.log_loss([0, 2], scores[:2], labels=[0, 1, 2]))


def test_few_rows_are_no_slice(table):
    labels, scores, columns, _ = table
    rows = np.arange(60)
    assert weak_slices.find("binary", labels, scores, columns, rows)["tested"] == 0
