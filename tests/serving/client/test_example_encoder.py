"""Rows to tf.Examples: by the columns that a model reports, or by the values' own types."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.serving.client import request_encoder
from tfx_pipeline.serving.client.model_signature import Signature, Tensor, choose
from tfx_pipeline.serving.client.table import Table, to_table
from tfx_pipeline.serving.protocol import protos

FLOAT, DOUBLE, INT, STRING, BOOL = 1, 2, 9, 7, 10
INPUT = {"examples": Tensor(STRING)}
UNTYPED = Signature("serving_default", INPUT, {}, "examples")
COLUMNS = {
    "price": Tensor(FLOAT),
    "count": Tensor(DOUBLE),
    "size": Tensor(INT, 1),
    "city": Tensor(STRING),
    "open": Tensor(BOOL),
}
TYPED = Signature("serving_default", INPUT, {}, "examples", COLUMNS)
ROW = {"price": 1.5, "count": 2, "size": 3, "city": "Zürich", "open": True}


def encode(rows, signature=TYPED):
    """The features of each row: the field and its values, by name."""
    table = rows if isinstance(rows, Table) else to_table(rows)
    (records,) = request_encoder.encode(table, signature).values()
    return [_features(record) for record in records]


def _features(record):
    features = protos.message("tensorflow.Example").FromString(record).features.feature
    kinds = {name: feature.WhichOneof("kind") for name, feature in features.items()}
    return {n: (kind, list(getattr(features[n], kind).value)) for n, kind in kinds.items()}


def problems(rows, signature=TYPED):
    with pytest.raises(ConfigError) as caught:
        encode(rows, signature)
    return str(caught.value)


def test_columns_give_the_types():
    assert encode([ROW]) == [
        {
            "price": ("float_list", [1.5]),
            "count": ("int64_list", [2]),
            "size": ("int64_list", [3]),
            "city": ("bytes_list", ["Zürich".encode()]),
            "open": ("int64_list", [1]),
        }
    ]


def test_every_row_is_its_own_example():
    found = encode([{**ROW, "price": 1}, {**ROW, "price": 2}])
    assert [row["price"] for row in found] == [("float_list", [1.0]), ("float_list", [2.0])]


def test_text_of_a_csv_file():
    columns = {"price": ["1"], "count": ["5.0"], "size": ["3"], "city": ["x"], "open": ["true"],
               "other": ["?"]}  # fmt: skip
    (found,) = encode(Table(columns, 1, is_text=True))
    assert found["count"] == ("int64_list", [5])
    assert found["price"] == ("float_list", [1.0])
    assert "other" not in found


def test_missing_values_are_left_out():
    assert encode([{"size": 1, "open": False, "city": ""}]) == [
        {"size": ("int64_list", [1]), "open": ("int64_list", [0])}
    ]


@pytest.mark.parametrize("value", [2.5, 1e300, float("inf")])
def test_an_integer_that_is_none(value):
    rule = "must be a whole number between -2^53 and 2^53"
    found = problems([ROW, {**ROW, "count": value}])
    assert f"row 1, column count: {rule}, found {value:g}" in found


def test_an_unknown_column_of_a_dict():
    assert "prize: is not a column of the model. Did you mean 'price'?" in problems([{"prize": 1}])


def test_values_give_the_types_if_the_model_does_not():
    rows = [{"a": 1, "b": 1.0, "c": "x", "d": True, "e": [1, 2], "f": None, "g": np.int32(4)}]
    assert encode(rows, UNTYPED) == [
        {
            "a": ("int64_list", [1]),
            "b": ("float_list", [1.0]),
            "c": ("bytes_list", [b"x"]),
            "d": ("int64_list", [1]),
            "e": ("int64_list", [1, 2]),
            "g": ("int64_list", [4]),
        }
    ]


def test_integers_and_floats_of_one_column_are_floats():
    found = encode([{"a": 1}, {"a": 1.5}], UNTYPED)
    assert found == [{"a": ("float_list", [1.0])}, {"a": ("float_list", [1.5])}]


def test_a_data_frame():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert encode(frame, UNTYPED) == [
        {"a": ("int64_list", [1]), "b": ("bytes_list", [b"x"])},
        {"a": ("int64_list", [2])},
    ]


@pytest.mark.parametrize("value", [{"x": 1}, 2**63, 1j])
def test_values_that_no_example_holds(value):
    assert "row 1, column a: must be a number of 64 bits, a text or a list" in problems(
        [{"a": 1}, {"a": value}], UNTYPED
    )


def test_text_and_numbers_in_one_column():
    assert problems([{"a": 1}, {"a": "x"}], UNTYPED) == (
        "the input: column a: must have values of one type, found int and text"
    )


def test_text_without_known_types_is_refused():
    message = problems(Table({"a": ["1"]}, 1, is_text=True, source="rows.csv"), UNTYPED)
    assert message.startswith("rows.csv: the model takes tf.Examples and does not report the types")
    assert "Give the rows as JSON Lines" in message


@pytest.mark.parametrize("signature", [TYPED, UNTYPED])
def test_examples_that_are_serialized_already(signature):
    encoded = request_encoder.encode(to_table([{"examples": b"\n\x00"}]), signature)
    assert encoded["examples"].tolist() == [b"\n\x00"]


def test_a_raw_column_with_the_name_of_the_input():
    signature = Signature("serving_default", INPUT, {}, "examples", {"examples": Tensor(STRING)})
    assert encode([{"examples": "x"}], signature) == [{"examples": ("bytes_list", [b"x"])}]


def test_a_table_without_any_column_of_the_model():
    plain = Signature("serving_default", {"text": Tensor(STRING)}, {})
    for signature, takes in [(TYPED, "price, count, size, city, open"), (plain, "text")]:
        message = problems(Table({"zzz": ["1"]}, 1, is_text=True, source="rows.csv"), signature)
        assert message == f"rows.csv: none of the columns is one of the model's. It takes {takes}"


def _definitions(**signatures):
    found = {}
    for name, (method, inputs) in signatures.items():
        found[name] = definition = protos.message("tensorflow.SignatureDef")(method_name=method)
        for column, dtype in inputs.items():
            definition.inputs[column].dtype = dtype
            definition.inputs[column].tensor_shape.dim.add().size = -1
    return found


@pytest.mark.parametrize(
    ("method", "inputs", "examples"),
    [
        ("tensorflow/serving/predict", {"examples": STRING}, "examples"),
        ("tensorflow/serving/classify", {"inputs": STRING}, "inputs"),
        ("tensorflow/serving/regress", {"inputs": STRING}, "inputs"),
        ("tensorflow/serving/predict", {"inputs": STRING}, None),  # may be text
        ("tensorflow/serving/predict", {"examples": FLOAT}, None),
        ("tensorflow/serving/predict", {"examples": STRING, "x": STRING}, None),
    ],
)
def test_which_signatures_take_examples(method, inputs, examples):
    definitions = _definitions(serving_default=(method, inputs))
    assert choose(definitions, "serving_default", "m").examples == examples


def test_the_signature_columns_never_takes_examples():
    definitions = _definitions(
        columns=("tensorflow/serving/predict", {"examples": STRING}),
        serving_default=("tensorflow/serving/predict", {"examples": STRING}),
    )
    assert choose(definitions, "columns", "m").examples is None
    assert choose(definitions, "serving_default", "m").columns == {"examples": Tensor(STRING)}
