"""Which configurations do not fit a schema."""

from __future__ import annotations

import pytest

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


def test_an_indicator_named_like_a_column():
    schema = 'feature { name: "a" type: FLOAT } feature { name: "a_missing" type: FLOAT }'
    schema += 'feature { name: "big_tipper" type: INT }'
    features = {"a": {"transform": "log", "indicator": True}, "a_missing": {"transform": "log"}}
    with pytest.raises(ConfigError, match="a_missing"):
        _load(features, schema=schema)


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
    assert seconds.dtype.name == "float32", "an integer that may be missing is sent as NaN"
