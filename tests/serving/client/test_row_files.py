"""Rows of JSON lines, as the training data has them."""

from __future__ import annotations

import io
import json

from tfx_pipeline.serving.client import row_files


def test_objects_within_are_columns_and_others_are_allowed():
    rows = [
        {"id": "a", "customer": {"age": 3, "home": {"zip": "1"}}, "tags": ["x"]},
        {"id": "b", "customer": None, "raw": {"b64": "AA=="}},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (table,) = row_files.read_batches(io.StringIO(text), "rows.jsonl", row_files.JSON_LINES, 10)
    assert table.columns == {
        "id": ["a", "b"],
        "customer.age": [3, None],
        "customer.home.zip": ["1", None],
        "tags": [["x"], None],
        "customer": [None, None],
        "raw": [None, {"b64": "AA=="}],
    }
    assert table.allows_extra_columns
