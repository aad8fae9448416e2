"""The column that identifies splits in the output of TransformDataset."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tfx_pipeline.components.transform import split_marker

BATCH = pa.RecordBatch.from_pydict({"a": [[1], [2], [3]], "b": [["x"], None, ["y"]]})


def test_a_marked_batch_has_the_given_schema_and_can_be_unmarked():
    marked = split_marker.mark(("evaluación", BATCH))
    assert marked.schema.equals(split_marker.added_to(BATCH.schema))
    split, batch = split_marker.unmark((marked, {}))
    assert split == "evaluación"
    assert batch.equals(BATCH)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_the_split_of_a_batch_of_other_size_is_found(rows):
    other = pa.RecordBatch.from_pydict({"c": pa.array([[1.0]] * rows, pa.list_(pa.float32()))})
    separate = {split_marker.NAME: split_marker.mark(("train", BATCH)).columns[-1][:1]}
    assert split_marker.unmark((other, separate)) == ("train", other)
