"""What a run decides from the statistics of the training split."""

from __future__ import annotations

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from tests.modeling import harness
from tfx_pipeline.errors import ConfigError, DataRefused
from tfx_pipeline.modeling import column_facts, columns, decisions
from tfx_pipeline.modeling.feature_table import load_table

pytestmark = pytest.mark.tensorflow

LABEL = {"name": "big_tipper", "task": "binary"}


@pytest.fixture(scope="module")
def frame():
    return pd.read_csv(harness.TAXI_ROWS)


@pytest.fixture(scope="module")
def facts(frame):
    (statistics,) = tfdv.generate_statistics_from_dataframe(frame).datasets
    return column_facts.of_statistics(statistics, columns.parse_schema(harness.TAXI_SCHEMA))


def test_the_facts_are_those_of_pandas(frame, facts):
    assert "big_tipper" not in facts  # the schema says that requests do not have it
    for name, found in facts.items():
        values = frame[name].dropna()
        assert (found.rows, found.present) == (len(frame), len(values))
        if found.type == "BYTES":
            assert found.distinct == values.nunique()
            assert found.mean_length == pytest.approx(values.str.len().mean(), rel=1e-3)
            assert found.examples[0] == values.mode()[0]
        else:
            assert (found.low, found.high) == (values.min(), values.max())
            spread = values.std()
            expected = values.quantile([0.1, 0.5, 0.9]).tolist()
            assert found.deciles == pytest.approx(expected, abs=0.2 * spread + 1)


def test_a_whole_table(facts):
    found = decisions.decide({"label": LABEL, "features": {}}, {0: 9, 1: 3}, facts)
    assert found.sections["label"]["classes"] == ["0", "1"]
    features = found.sections["features"]
    assert features["trip_start_hour"]["transform"] == "integer"
    assert features["payment_type"]["transform"] == "vocabulary"
    assert features["trip_miles"]["transform"] == "log"
    assert "treatments decided: " in found.note
    load_table({**found.sections}, harness.TAXI_SCHEMA)  # all treatments fit their columns


def test_what_is_configured_stays(facts):
    config = {
        "fare": {"transform": "minmax"},
        "trip_miles": {"transform": "auto", "indicator": True},
    }
    found = decisions.decide({"label": LABEL, "features": config}, {0: 9, 1: 3}, facts)
    features = found.sections["features"]
    assert list(features) == ["fare", "trip_miles"]
    assert features["fare"]["transform"] == "minmax"
    assert features["trip_miles"] == {"transform": "log", "indicator": True}
    assert list(found.treatments) == ["trip_miles"]


def test_no_column_is_left(facts):
    only = {name: fact for name, fact in facts.items() if name == "company"}
    one = {"company": column_facts.ColumnFacts("company", "BYTES", 10, 10, distinct=1)}
    assert decisions.decide({"label": LABEL, "features": {}}, {}, only).sections["features"]
    with pytest.raises(DataRefused, match="no column that a model could read") as refused:
        decisions.decide({"label": LABEL, "features": {}}, {}, one)
    assert refused.value.findings[0].found == "one value only"


@pytest.mark.parametrize("features", [{}, {"fare": {"transform": "auto"}}])
def test_without_statistics_nothing_is_decided(features):
    with pytest.raises(ConfigError, match="has no transform, and nothing has decided it"):
        load_table({"label": LABEL, "features": features}, harness.TAXI_SCHEMA)


def test_dates_of_another_format_are_refused():
    examples = ("31/01/2024", "1 Feb 2024")
    fact = column_facts.ColumnFacts("when", "BYTES", 90, 90, distinct=40, examples=examples)
    config = {"label": LABEL, "features": {"when": {"transform": "datetime"}}}
    with pytest.raises(DataRefused, match="the most frequent values of when are no dates") as found:
        decisions.decide(config, {}, {"when": fact})
    assert found.value.findings[0].found == "for example '31/01/2024'"
    for text_format in ("%d/%m/%Y", "%d %b %Y"):
        columns = {"when": {"type": "datetime", "format": text_format, "zone": None}}
        decisions.decide({**config, "columns": columns}, {}, {"when": fact})


def test_texts_that_are_dates():
    examples = ("2024-01-31", "2024-02-01T10:15:00+09:00")
    fact = column_facts.ColumnFacts("when", "BYTES", 90, 90, distinct=90, examples=examples)
    found = decisions.decide({"label": LABEL, "features": {}}, {}, {"when": fact})
    assert found.sections["features"] == {"when": {"transform": "datetime"}}
    fact = column_facts.ColumnFacts("tags", "BYTES", 90, 90, distinct=90, declared="list")
    found = decisions.decide({"label": LABEL, "features": {}}, {}, {"tags": fact})
    assert found.sections["features"] == {"tags": {"transform": "list"}}
