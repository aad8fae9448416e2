"""CSV files are read to the end, or left in the middle, without waiting for ever."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.components.example_gen.ingestion import write

pytestmark = pytest.mark.tensorflow

# A process of its own, because what is tested here would hang; faulthandler ends it.
LEAVES_EARLY = """
import faulthandler, os, sys
faulthandler.dump_traceback_later(60, exit=True)
from tfx_pipeline.components.example_gen import csv_reader
from tfx_pipeline.config.text_format import CSV

csv_reader._BLOCK = 1 << 16
for _ in range(100):
    try:
        for batch in csv_reader.read_batches(sys.argv[1], CSV, ["id", "text"]):
            if sys.argv[2] == "wrong value":
                raise ValueError("a wrong value")
    except (ValueError, csv_reader.Unreadable):
        continue
    os.write(2, b"was read to the end")
    os._exit(1)
os._exit(0)  # as nodes end: Arrow's own threads may wait for each other at exit
"""


@pytest.mark.parametrize(
    ("why", "row"), [("wrong value", 1), ("ragged row", 1), ("ragged row", 20_000)]
)
def test_a_file_is_left_while_its_next_blocks_are_being_read(tmp_path, why, row):
    rows = [f"{i},a text that is longer {i}" for i in range(100_000)]
    if why == "ragged row":
        rows[row] = "1,2,3"
    path = write(tmp_path / "t.csv", "\n".join(["id,text", *rows, ""]))
    command = [sys.executable, "-c", LEAVES_EARLY, str(path), why]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_blocks_are_the_files_rows(tmp_path, monkeypatch):
    from tfx_pipeline.components.example_gen import csv_reader
    from tfx_pipeline.config.text_format import CSV

    monkeypatch.setattr(csv_reader, "_BLOCK", 1 << 16)
    monkeypatch.setattr(csv_reader, "_ROWS", 1000)
    ids = [str(i) for i in range(20_000)]
    path = write(tmp_path / "t.csv", "id,text\n" + "".join(f"{i},t{i}\n" for i in ids))
    batches = list(csv_reader.read_batches(str(path), CSV, ["text", "id"]))
    assert max(batch.num_rows for batch in batches) == 1000
    assert [text for b in batches for text in b["id"].to_pylist()] == [
        str(i) for i in range(20_000)
    ]
