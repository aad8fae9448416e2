"""Rows without any value are one finding, not one for each column."""

from __future__ import annotations

import pytest

from tests.components.data_gate.gating import gate

pytestmark = pytest.mark.tensorflow

STRICT = """
feature { name: "a" type: INT presence { min_fraction: 1 min_count: 1 } }
feature { name: "a " type: INT presence { min_fraction: 1 min_count: 1 } }
feature { name: "label" type: INT presence { min_fraction: 1 min_count: 1 } }
"""
FULL = [{"a": 1, "a ": 2, "label": 0}, {"a": 2, "a ": 1, "label": 1}]


def strict(folder, rows, with_examples=True):
    """The gate for rows in the splits train and test, with a schema that requires all columns."""
    from tests.components.harness import examples

    table = {name: [[r[name]] if name in r else None for r in rows] for name in FULL[0]}
    raw = [examples(folder / "examples", rows)] if with_examples else []
    tables = {"train": table, "test": table}
    return gate(folder, tables, schema_text=STRICT, examples=raw)


def test_empty_rows_are_one_finding(tmp_path):
    message, findings = strict(tmp_path, [*FULL, {}])
    assert message.startswith("the data does not fit the schema: 1 anomaly in (all columns)")
    found = "1 of 3 rows without a value in any column. Remove them from the data"
    assert findings == [("(all columns)", "empty rows", found)]


def test_a_column_with_more_missing_values_has_a_finding_of_its_own(tmp_path):
    _, findings = strict(tmp_path, [*FULL, {}, {"a": 1, "label": 1}])
    assert [(subject, rule) for subject, rule, _ in findings] == [
        ("(all columns)", "empty rows"),
        ("a ", "missing values"),
    ]
    assert findings[1][2] == "2 of 4 rows without a value, more than the schema's presence allows"


@pytest.mark.parametrize("with_examples", [True, False])
def test_missing_values_in_different_rows_are_no_empty_rows(tmp_path, with_examples):
    rows = [*FULL, {"a": 1, "a ": 1}, {"a": 1, "label": 1}, {"a ": 1, "label": 1}]
    message, findings = strict(tmp_path, rows, with_examples)
    assert {rule for _, rule, _ in findings} == {"missing values"}
    assert {found.partition(" rows")[0] for _, _, found in findings} == {"1 of 5"}
    assert message.startswith("the data does not fit the schema: 3 anomalies in a, 'a ', label.")


def test_empty_rows_of_a_columns_file(tmp_path):
    import pyarrow as pa

    from tests.components.harness import examples
    from tfx_pipeline.components.common import column_store, example_files
    from tfx_pipeline.components.data_gate import empty_rows

    arrays = [pa.array([1, None, None]), pa.array([b"", None, b"x"], pa.large_binary())]
    arrays.append(pa.nulls(3))
    batch = pa.RecordBatch.from_arrays(arrays, ["x", "y", "z"])
    artifact = examples(tmp_path, [])
    (path,) = example_files.files([artifact], "train")
    (tmp_path / "columns" / "Split-train").mkdir(parents=True)
    with column_store.Writer(column_store.path_for(path), batch.schema) as writer:
        writer.add(batch)
    assert empty_rows.count([artifact], "train") == 1
    assert empty_rows.count([artifact], "test") == 0
