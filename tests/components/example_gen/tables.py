"""One table in every format that ExampleGen reads."""

from __future__ import annotations

import gzip
import json
import pathlib
from typing import Any

import pyarrow as pa
from pyarrow import orc, parquet

from tests.components.example_gen.ingestion import write

ROWS: list[dict[str, Any]] = [
    {
        "id": i,
        "名前": f"町{i % 7}" if i % 5 else None,
        "amount": i * 1.25 if i % 4 else None,
        "big": 2**53 + i if i % 6 else None,
        "active": bool(i % 2) if i % 9 else None,
        "zip": f"0{i}",
        "empty": None,
    }
    for i in range(120)
]
COLUMNS = {"active": "boolean", "zip": "text"}
_TYPES = {
    "id": pa.int32(),
    "名前": pa.string(),
    "amount": pa.float64(),
    "big": pa.int64(),
    "active": pa.bool_(),
    "zip": pa.string(),
    "empty": pa.string(),
}
_AVRO = {
    pa.int32(): "int",
    pa.string(): "string",
    pa.float64(): "double",
    pa.int64(): "long",
    pa.bool_(): "boolean",
}


def arrow_table(rows: list[dict[str, Any]] = ROWS) -> pa.Table:
    return pa.Table.from_pylist(rows, pa.schema(list(_TYPES.items())))


def csv_text(rows: list[dict[str, Any]] = ROWS, delimiter: str = ",") -> str:
    def cell(value: Any) -> str:
        return "" if value is None else str(value)

    lines = [rows[0], *(map(cell, row.values()) for row in rows)]
    return "".join(delimiter.join(line) + "\n" for line in lines)


def json_lines(rows: list[dict[str, Any]] = ROWS) -> str:
    """Lines that leave out what is missing in every second row."""
    kept = [{k: v for k, v in row.items() if i % 2 or v is not None} for i, row in enumerate(rows)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def avro(path: pathlib.Path, rows: list[dict[str, Any]] = ROWS, codec: str = "deflate") -> None:
    import fastavro

    # Avro's names are ASCII words; fastavro accepts others only if it does not check them.
    fields = [{"name": n, "type": ["null", _AVRO[t]]} for n, t in _TYPES.items()]
    schema = {"type": "record", "name": "row", "fields": fields}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, codec=codec)


def make(folder: pathlib.Path, name: str) -> tuple[pathlib.Path, dict[str, Any]]:
    """Writes the table; returns where it is and ExampleGen's arguments."""
    from tfx_pipeline.config.text_format import TextFormat

    folder.mkdir(parents=True)
    table, text = arrow_table(), json_lines().encode()
    if name == "csv":
        write(folder / "t.csv", csv_text())
    elif name == "tsv":
        write(folder / "t.tsv", csv_text(delimiter="\t"))
        return folder, {"format": "tsv", "text": TextFormat("\t")}
    elif name == "jsonl":
        write(folder / "t.jsonl", text)
    elif name == "jsonl.gz":
        write(folder / "t.jsonl.gz", gzip.compress(text))
    elif name == "jsonl.zst":
        write(folder / "t.ndjson.zst", zstd(text))
    elif name == "parquet":
        parquet.write_table(table, folder / "t.parquet")
    elif name == "parquet in groups":
        parquet.write_table(table, folder / "t.parquet", row_group_size=7)
    elif name == "orc":
        orc.write_table(table, str(folder / "t.orc"))
    elif name == "avro":
        avro(folder / "t.avro")
    return folder, {"format": name.split(".")[0].split()[0]}


FORMATS = ["tsv", "jsonl", "jsonl.gz", "jsonl.zst", "parquet", "parquet in groups", "orc", "avro"]
