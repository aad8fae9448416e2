"""Rows to arrays: what is accepted, what is filled in, what is refused and with which message."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pandas as pd
import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.serving.client import request_encoder
from tfx_pipeline.serving.client.model_signature import Signature, Tensor
from tfx_pipeline.serving.client.table import from_dicts, to_table
from tfx_pipeline.serving.protocol import tensors

FLOAT, DOUBLE, INT, STRING, BOOL = 1, 2, 9, 7, 10
SIGNATURE = Signature(
    "columns",
    {
        "price": Tensor(FLOAT),
        "count": Tensor(INT),
        "city": Tensor(STRING),
        "size": Tensor(FLOAT, 1),
    },
    {},
)


def encode(rows, signature=SIGNATURE):
    return request_encoder.encode(to_table(rows), signature)


def only(name, dtype):
    return Signature("columns", {name: Tensor(dtype)}, {})


def problems(rows, signature=SIGNATURE):
    with pytest.raises(ConfigError) as caught:
        encode(rows, signature)
    return str(caught.value)


def test_dicts():
    encoded = encode([{"price": 1.5, "count": 2, "city": "Zürich", "size": 3}])
    assert encoded["price"].dtype == np.float32
    assert encoded["price"].tolist() == [1.5]
    assert encoded["count"].dtype == np.int64
    assert encoded["city"].tolist() == ["Zürich".encode()]
    assert encoded["size"].shape == (1, 1)


@pytest.mark.parametrize("missing", [{}, {"price": None, "city": None, "size": None},
                                     {"price": math.nan, "city": math.nan}])  # fmt: skip
def test_what_is_missing_is_filled(missing):
    encoded = encode([{"count": 1, **missing}])
    assert np.isnan(encoded["price"]).all()
    assert np.isnan(encoded["size"]).all()
    assert encoded["city"].tolist() == [b""]


def test_an_integer_cannot_be_missing():
    assert problems([{"count": 1}, {"price": 1.0}]) == (
        "the input: row 1, column count: has no value, and the model needs one"
    )


def test_every_problem_is_named_with_row_and_column():
    text = problems([{"price": "dear", "count": 1.5}, {"count": True, "city": 3}])
    assert text.splitlines() == [
        "the input has 4 problems:",
        "  - row 0, column count: must be a whole number, found 1.5",
        "  - row 0, column price: must be a number, found 'dear'",
        "  - row 1, column city: must be text, found 3",
        "  - row 1, column count: must be a whole number, found True",
    ]


def test_a_long_value_is_cut_short_and_a_long_list_too():
    text = problems([{"price": "x" * 1000, "count": 1}] * 100)
    assert "xxx..." in text
    assert len(text.splitlines()) == 21
    assert max(map(len, text.splitlines())) < 150


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"count": 1, "pryce": 2.0}, "pryce: is not a column of the model. Did you mean 'price'?"),
        ({"count": 1, "weather": "fine"}, "weather: is not a column of the model. Known: "),
    ],
)
def test_an_unknown_key_is_refused(row, message):
    assert message in problems([row])


def test_a_table_may_have_other_columns_but_no_near_ones():
    import pandas as pd

    rows = {"price": [1.0], "count": [1], "city": ["Rome"], "size": [2.0], "label": [1]}
    assert set(encode(pd.DataFrame(rows))) == set(SIGNATURE.inputs)
    rows["pryce"] = rows.pop("price")
    assert "Did you mean 'price'?" in problems(pd.DataFrame(rows))


def test_a_data_frame_with_missing_values():
    import pandas as pd

    frame = pd.DataFrame({"price": [1.0, None], "count": [1, 2], "city": ["Rome", None]})
    encoded = encode(frame)
    assert np.isnan(encoded["price"][1])
    assert encoded["city"].tolist() == [b"Rome", b""]
    nullable = frame.astype({"price": "Float64", "city": "string"})
    assert encode(nullable)["city"].tolist() == [b"Rome", b""]
    assert np.isnan(encode(nullable)["price"][1])


def csv(tmp_path, text, **options):
    file = tmp_path / "rows.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode(**options))
    return file


def test_a_csv_file(tmp_path):
    encoded = encode(csv(tmp_path, "\ufeffcity,price,count,label\nRome,1.5,2,1\n\nOslo,,3.0,0\n"))
    assert encoded["city"].tolist() == [b"Rome", b"Oslo"]
    assert encoded["count"].tolist() == [2, 3]
    assert encoded["price"][0] == 1.5
    assert np.isnan(encoded["price"][1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no header row"),
        ("a,a\n1,2\n", "names a column twice: a"),
        ("count,price\n1\n", "row 1: must have 2 values, found 1"),
        ("count,price\n1,cheap\n", "row 1, column price: must be a number, found 'cheap'"),
        ("count,price\n1.5,2\n", "row 1, column count: must be a whole number, found '1.5'"),
        ("count,price\n,2\n", "row 1, column count: has no value, and the model needs one"),
        (b"count\n\xff\n", "is not UTF-8"),
    ],
)
def test_a_wrong_csv_file(tmp_path, text, message):
    assert message in problems(csv(tmp_path, text))


def test_no_file(tmp_path):
    assert "No such file" in problems(tmp_path / "none.csv")


def test_a_value_that_is_not_a_table():
    assert "rows must be a list of dicts" in problems(3)
    assert "row 1: must be a mapping of columns to values, found int" in problems([{}, 3])


def test_no_rows():
    assert {name: len(array) for name, array in encode([]).items()} == dict.fromkeys(
        SIGNATURE.inputs, 0
    )


def test_booleans():
    signature = only("rainy", BOOL)
    assert encode([{"rainy": True}, {"rainy": False}], signature)["rainy"].tolist() == [True, False]
    assert "must be true or false" in problems([{"rainy": 3}], signature)


def test_bytes_are_taken_as_they_are():
    assert encode([{"raw": b"\xff"}], only("raw", STRING))["raw"].tolist() == [b"\xff"]


def test_a_number_beyond_64_bits():
    assert "must be a whole number" in problems([{"count": 2**70}], only("count", INT))


@pytest.mark.parametrize("kind", [list, pd.DataFrame])
def test_an_integer_that_a_float64_would_round_is_refused(kind):
    found = problems(kind([{"id": 2**53 + 1}]), only("id", DOUBLE))
    assert "between -2^53 and 2^53" in found
    assert encode(kind([{"id": 2**53}]), only("id", DOUBLE))["id"].tolist() == [2**53]


LIST = Signature("columns", {"tags": Tensor(STRING, -1), "sizes": Tensor(DOUBLE, -1)}, {})
INT8 = 6


def test_lists_are_filled_up():
    rows = [{"tags": ["a", "b"], "sizes": [1]}, {"tags": "c|d"}, {"tags": None, "sizes": [2, 3, 4]}]
    encoded = encode(rows, LIST)
    assert encoded["tags"].tolist() == [[b"a", b"b"], [b"c|d", b""], [b"", b""]]
    nan = math.nan
    expected = [[1, nan, nan], [nan, nan, nan], [2, 3, 4]]
    assert np.array_equal(encoded["sizes"], expected, equal_nan=True)
    assert encode([{"tags": []}], LIST)["tags"].tolist() == [[b""]]
    assert "column tags: must be text, found" in problems([{"tags": [1]}], LIST)


def test_dates_are_sent_as_iso():
    moment = datetime.datetime(2024, 1, 31, 10, 15)
    values = [moment, moment.date(), pd.Timestamp(moment), np.datetime64(moment), "31.1.", pd.NaT]
    frame = pd.DataFrame({"when": pd.Series(values, dtype=object)})
    expected = [b"2024-01-31T10:15:00", b"2024-01-31", b"2024-01-31T10:15:00"]
    assert encode(frame, only("when", STRING))["when"].tolist()[:3] == expected
    assert encode(frame, only("when", STRING))["when"].tolist()[4:] == [b"31.1.", b""]
    dates = pd.DataFrame({"when": pd.to_datetime(["2024-01-31", None])})
    encoded = encode(dates, only("when", STRING))["when"].tolist()
    assert encoded[0].startswith(b"2024-01-31T00:00:00")
    assert encoded[1] == b""


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, 1), (False, 0), (1, 1), (0.0, 0), ("yes", 1), (" FALSE ", 0), ("f", 0)],
)
def test_what_is_true_or_false(value, expected):
    assert encode([{"on": value}], only("on", BOOL))["on"].tolist() == [bool(expected)]
    assert encode([{"on": value}], only("on", INT8))["on"].tolist() == [expected]


@pytest.mark.parametrize("missing", [None, math.nan, ""])
def test_a_missing_boolean(missing):
    assert encode([{"on": missing}], only("on", INT8))["on"].tolist() == [-1]
    assert "row 0, column on: has no value" in problems([{"on": missing}], only("on", BOOL))


def test_what_is_no_boolean():
    assert "must be true or false, found 2" in problems([{"on": 2}], only("on", BOOL))
    assert "must be true, false or missing, found 'so'" in problems(
        [{"on": "so"}], only("on", INT8)
    )


def test_b64_is_bytes():
    tensor = Tensor(tensors.STRING)
    signature = Signature("columns", {"photo": tensor}, {})
    table = from_dicts([{"photo": {"b64": "/9j/"}}, {"photo": b"\xff\xd8"}, {"photo": "ab"}])
    found = request_encoder.encode(table, signature)["photo"]
    assert found.tolist() == [b"\xff\xd8\xff", b"\xff\xd8", b"ab"]


def test_wrong_b64_is_named():
    signature = Signature("columns", {"photo": Tensor(tensors.STRING)}, {})
    table = from_dicts([{"photo": {"b64": "?" * 1_000_000}}])
    with pytest.raises(ConfigError, match="row 0, column photo: must be text") as error:
        request_encoder.encode(table, signature)
    assert len(str(error.value)) < 300
