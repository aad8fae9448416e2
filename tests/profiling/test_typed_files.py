"""`init` on files whose format tells the types: as for CSV, but a text stays a text."""

from __future__ import annotations

import datetime
import json

import pyarrow as pa
import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.profiling import found_data, plan, project, sample

ROWS = 300


def table() -> pa.Table:
    """Columns of each type; every tenth value of `amount` is missing."""
    day = datetime.date(2024, 1, 1)
    return pa.table(
        {
            "amount": pa.array([None if i % 10 == 0 else i * 0.37 for i in range(ROWS)]),
            "count": pa.array([i * 7919 % 1000 for i in range(ROWS)], pa.int32()),
            "active": pa.array([i % 3 == 0 for i in range(ROWS)]),
            "code": pa.array([str(100 + i % 20) for i in range(ROWS)]),
            "when": pa.array([day + datetime.timedelta(i * 7 % 300) for i in range(ROWS)]),
            "tags": pa.array([["red", "blue"][: 1 + i % 2] for i in range(ROWS)]),
            "color": pa.array(["?" if i % 50 == 0 else "rgb"[i % 3] for i in range(ROWS)]),
            "y": pa.array([["no", "yes"][i * 31 % 7 > 3] for i in range(ROWS)]),
        }
    )


def write(made: pa.Table, file) -> None:
    """Writes a table in the format that the file's name says."""
    import fastavro
    from pyarrow import orc, parquet

    if file.suffix == ".parquet":
        parquet.write_table(made, file)
    elif file.suffix == ".orc":
        orc.write_table(made, str(file))
    elif file.suffix == ".avro":
        kinds = {"amount": "double", "count": "int", "active": "boolean",
                 "when": {"type": "int", "logicalType": "date"},
                 "tags": {"type": "array", "items": "string"}}  # fmt: skip
        fields = [{"name": n, "type": ["null", kinds.get(n, "string")]} for n in made.column_names]
        with open(file, "wb") as raw:
            fastavro.writer(raw, {"type": "record", "name": "row", "fields": fields},
                            made.to_pylist())  # fmt: skip
    else:
        lines = (json.dumps(row, default=str) for row in made.to_pylist())
        file.write_text("\n".join(lines))


@pytest.fixture(params=["parquet", "orc", "avro", "jsonl"])
def decided(request, tmp_path):
    file = tmp_path / f"shop.{request.param}"
    write(table(), file)
    return plan.make(sample.read(found_data.find(str(file))), "y")


def test_types_are_those_of_the_file(decided):
    types = {choice.profile.name: choice.profile.type for choice in decided.features}
    assert types == {
        "amount": "number",
        "count": "integer",
        "active": "boolean",
        "code": "text",
        "when": "datetime",  # in JSON lines, a text that is one
        "tags": "list",
        "color": "text",
    }
    assert decided.sample.total_rows == ROWS


def test_what_the_files_say(decided):
    assert decided.label.task == "binary"
    assert decided.data["missing"] == ["", "?"]
    amount = next(c for c in decided.features if c.profile.name == "amount")
    assert amount.profile.present == ROWS * 9 // 10
    text = project.files(decided, "shop", "rows", "rows")["pipeline.yaml"]
    assert f"format: {decided.data['format']}" in text


def test_folders_add_columns_and_files_are_one_table(tmp_path):
    for year in (2023, 2024):
        (tmp_path / "rows" / f"year={year}").mkdir(parents=True)
        write(table(), tmp_path / "rows" / f"year={year}" / "a.parquet")
    found = sample.read(found_data.find(str(tmp_path / "rows")))
    assert found.total_rows == 2 * ROWS
    assert found.table["year"].unique().to_pylist() == ["2023", "2024"]


@pytest.mark.parametrize("name", ["a.parquet", "a.orc", "a.avro", "a.jsonl"])
def test_a_file_of_another_format_is_one_clear_error(tmp_path, name):
    (tmp_path / name).write_text("x,y\n1,2\n")
    with pytest.raises(ConfigError, match=rf"{name} cannot be read as"):
        sample.read(found_data.find(str(tmp_path / name)))
