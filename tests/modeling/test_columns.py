"""The curated schema fits the real data, and finds what is wrong with other data."""

from __future__ import annotations

import pytest

from tests.modeling import harness
from tfx_pipeline.modeling.columns import parse_schema

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def anomalies():
    import pyarrow as pa
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    schema = parse_schema(harness.TAXI_SCHEMA)

    def find(rows, environment=None):
        names = {name for row in rows for name in row}
        columns = {n: [[row[n]] if n in row else None for row in rows] for n in sorted(names)}
        batch = pa.RecordBatch.from_pydict(columns)
        statistics = stats_impl.generate_statistics_in_memory(batch)
        found = tfdv.validate_statistics(statistics, schema, environment=environment)
        return set(found.anomaly_info)

    return find


def test_the_real_rows_have_no_anomalies(anomalies):
    assert anomalies(harness.taxi_rows()) == set()


def test_rows_to_serve_have_no_outcome(anomalies):
    rows = harness.taxi_rows(5000, 5200)
    rows = [{k: v for k, v in row.items() if k not in ("tips", "big_tipper")} for row in rows]
    assert anomalies(rows, "SERVING") == set()
    assert anomalies(rows, "TRAINING") == {"tips", "big_tipper"}


@pytest.mark.parametrize(
    ("column", "value"),
    [("fare", -1.0), ("trip_start_hour", 24), ("big_tipper", 2), ("payment_type", b"Bitcoin")],
)
def test_values_out_of_their_domain_are_found(anomalies, column, value):
    rows = [{**row, column: value} for row in harness.taxi_rows(5000, 5200)]
    assert anomalies(rows) == {column}


def test_a_missing_column_is_found(anomalies):
    rows = harness.taxi_rows(5000, 5200)
    for row in rows:
        del row["fare"]
    assert anomalies(rows) == {"fare"}


def test_different_floats_have_different_texts():
    import numpy as np
    import tensorflow as tf

    from tfx_pipeline.modeling.columns import Column

    values = [1e-7, 2e-7, 0.12345678, 0.12345679, 16777216.0, 16777217.0, 3.4e38, 0.5, 2.0]
    values = np.array([*values, -0.0, 0.0, float("nan"), float("inf")], np.float32)
    texts = Column("x", tf.float32).strings({"x": tf.constant(values)}).numpy().tolist()
    assert texts[-6:] == [b"0.5", b"2", b"0", b"0", b"", b""]
    numbers = np.unique(values[np.isfinite(values)])
    assert len({*texts} - {b""}) == len(numbers)
    assert {np.float32(text) for text in texts if text} == {*numbers}
