"""Which configurations do not fit a schema."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.modeling import harness
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling.feature_table import load_table

pytestmark = pytest.mark.tensorflow

LABEL = {"name": "big_tipper", "task": "binary"}


def _load(features, label=LABEL, schema=harness.TAXI_SCHEMA):
    return load_table({"features": features, "label": label}, schema)


def test_a_column_the_schema_does_not_know():
    with pytest.raises(ConfigError, match=r"features.trip_mile.*Did you mean 'trip_miles'"):
        _load({"trip_mile": {"transform": "log"}})


def test_a_number_transformation_of_a_string():
    with pytest.raises(ConfigError, match=r"features.company: .*zscore.*BYTES"):
        _load({"company": {"transform": "zscore"}})


def test_an_integer_without_a_domain():
    with pytest.raises(ConfigError, match="trip_seconds: the range of its integers is not known"):
        _load({"trip_seconds": {"transform": "integer"}})


def test_all_problems_are_named():
    with pytest.raises(ConfigError) as caught:
        _load({"nowhere": {"transform": "log"}, "company": {"transform": "log"}})
    assert len(caught.value.problems) == 2


def test_an_indicator_has_a_name_that_no_column_has():
    names = ["a", "a_missing", "a_missing_"]
    schema = "".join(f'feature {{ name: "{name}" type: FLOAT }}' for name in names)
    schema += 'feature { name: "big_tipper" type: INT }'
    features = {name: {"transform": "log", "indicator": True} for name in names}
    found = [feature.indicator_name for feature in _load(features, schema=schema).features]
    assert len({*found, *names}) == 6


def test_a_schema_that_does_not_parse():
    with pytest.raises(ConfigError, match="schema: cannot be read"):
        _load({"fare": {"transform": "log"}}, schema="feature {")


def test_a_column_with_many_values():
    schema = 'feature { name: "a" type: FLOAT presence { min_fraction: 1 } '
    schema += "shape { dim { size: 3 } } } "
    with pytest.raises(ConfigError, match="shape"):
        _load({"a": {"transform": "log"}}, schema=schema)


def test_the_columns_signature_takes_what_the_schema_says():
    table = _load({name: {"transform": "hash"} for name in ("trip_start_hour", "trip_seconds")})
    hour, seconds = (feature.column.serving_spec() for feature in table.features)
    assert hour.dtype.name == "int64"
    assert seconds.dtype.name == "float64", "an integer that may be missing is sent as NaN"


@pytest.mark.parametrize("value", [1_400_269_500, 17_031_839_100, 2**53, -(2**53)])
def test_an_integer_that_may_be_missing_keeps_its_value(value):
    table = _load({"trip_seconds": {"transform": "hash"}})
    (column,) = (feature.column for feature in table.features)
    sent = tf.constant([value, float("nan")], column.serving_spec().dtype)
    found = column.from_serving_input(sent)
    assert found.values.numpy().tolist() == [value]
    assert found.indices.numpy().tolist() == [[0, 0]]
