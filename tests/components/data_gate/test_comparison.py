"""What counts as a change: on the taxi table, resampled and changed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.components.data_gate.taxi_statistics import (
    LABEL,
    replaced,
    resampled,
    statistics,
    table,
)
from tfx_pipeline.components.data_gate import comparison, noise
from tfx_pipeline.components.data_gate.comparison import CHANGED, Limits, compare

pytestmark = pytest.mark.tensorflow


def changed(old, new, limits=None, **options):
    checks = compare(statistics(old), statistics(new), limits or Limits(), LABEL, **options)
    return {(c.feature, c.check): c for c in checks if c.state == CHANGED}


@pytest.mark.parametrize("seed", range(12))
def test_samples_of_the_same_rows_are_the_same(seed):
    """With no limit at all: only the noise decides."""
    sizes = [200, 500, 1_000, 3_000, 10_000, 100_000]
    rows, others = sizes[seed % 6], sizes[(seed * 5 + 1) % 6]
    old, new = resampled(rows, 2 * seed), resampled(others, 2 * seed + 1)
    assert not changed(old, new, Limits(threshold=0.0, share=0.0))


def test_a_column_in_another_unit_is_found():
    new = resampled(3_000, 1)
    new = replaced(new, "fare", pc.multiply(new["fare"], 1.3))
    found = changed(table(), new)
    assert [*found] == [("fare", comparison.DISTRIBUTION)]
    check = found["fare", comparison.DISTRIBUTION]
    assert check.measure == "PSI"
    assert check.effect > check.limit == 0.1
    assert check.noise < check.effect
    assert check.found.startswith("median 7.85 to ")


def test_a_category_that_vanished_is_found():
    new = resampled(10_000, 2)
    # About 1 % of the rows: too few for the distribution's limit.
    rare = "No Charge"
    share = pc.mean(pc.equal(table()["payment_type"], rare).cast(pa.float64())).as_py()
    assert 0 < share < 0.05
    found = changed(table(), new.filter(pc.not_equal(new["payment_type"], rare)))
    assert [*found] == [("payment_type", comparison.GONE)]
    assert "'No Charge'" in found["payment_type", comparison.GONE].found


def test_a_new_category_is_found():
    new = resampled(5_000, 3)
    values = np.array(new["payment_type"].to_pylist(), dtype=object)
    values[::12] = "Shells"
    found = changed(table(), replaced(new, "payment_type", pa.array(values.tolist())))
    assert [*found] == [("payment_type", comparison.NEW)]
    assert found["payment_type", comparison.NEW].found == "'Shells': 8.34 % of the rows"


@pytest.mark.parametrize("rows", [2_000, 20_000])
def test_more_missing_values_are_found(rows):
    new = resampled(rows, 4)
    gone = np.random.default_rng(5).random(rows) < 0.1
    found = changed(table(), replaced(new, "fare", pc.if_else(pa.array(gone), None, new["fare"])))
    assert [*found] == [("fare", comparison.MISSING)]


def test_another_share_of_a_class_is_found():
    new = resampled(5_000, 6)
    more = np.random.default_rng(7).random(5_000) < 0.1
    labels = pc.if_else(pa.array(more), pa.scalar(1, pa.int64()), new[LABEL])
    found = changed(table(), replaced(new, LABEL, labels))
    assert [*found] == [(LABEL, comparison.BALANCE)]


def test_values_out_of_the_known_range_are_found():
    new = resampled(5_000, 8)
    far = pa.array(np.random.default_rng(9).random(5_000) < 0.35)
    hours = pc.if_else(far, pa.scalar(99, pa.int64()), new["trip_start_hour"])
    found = changed(table(), replaced(new, "trip_start_hour", hours))
    assert set(found) == {
        ("trip_start_hour", comparison.OUTSIDE),
        ("trip_start_hour", comparison.DISTRIBUTION),
    }


def test_too_few_rows_are_a_state_of_their_own():
    checks = compare(statistics(table()), statistics(resampled(199, 10)), Limits(), LABEL)
    assert {check.state for check in checks} == {comparison.TOO_FEW}
    assert checks[0].found == "15,002 and 199 rows; at least 200 are needed"


def test_limits_of_single_columns_and_ignored_ones():
    new = resampled(3_000, 1)
    new = replaced(new, "fare", pc.multiply(new["fare"], 1.3))
    assert not changed(table(), new, Limits(features={"fare": 0.5}))
    assert not changed(table(), new, ignored=["fare"])


def test_the_number_of_rows():
    old, new = resampled(500, 1), resampled(2_000, 2)
    found = changed(old, new, Limits(rows=2.0))
    assert [*found] == [("", comparison.ROWS)]
    assert found["", comparison.ROWS].found == "500 to 2,000 rows"


def test_the_noise_is_that_of_chi_squared():
    """Values of the chi-squared distribution's table."""
    assert noise.chi_squared(9, 0.001) == pytest.approx(27.88, rel=0.01)
    assert noise.chi_squared(1, 0.05) == pytest.approx(3.84, rel=0.03)
    assert noise.population_stability(10, 1000, 1000, 0.001) == pytest.approx(0.0558, rel=0.01)


def test_splits_of_a_table_with_many_equal_rows_do_not_differ():
    """More than half of the rows appear again, a few numbers are frequent: RAND's experiment."""
    import hashlib

    import pyarrow as pa
    from statsmodels.datasets import randhie

    frame = randhie.load_pandas().data
    rows = frame.to_numpy()
    buckets = np.array([hashlib.sha256(row.tobytes()).digest()[0] % 5 for row in rows])
    table = pa.Table.from_pandas(frame, preserve_index=False)
    train, *others = (
        statistics(table.filter(pa.array(np.isin(buckets, found))))
        for found in ([0, 1, 2], [3], [4])
    )
    for other in others:
        assert [c for c in compare(train, other, Limits()) if c.state == "changed"] == []
