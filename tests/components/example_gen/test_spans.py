"""Which spans are read: the newest, one, or a rolling window."""

from __future__ import annotations

import pytest

from tests.components.example_gen.ingestion import ingest, many, read, refused, write

pytestmark = pytest.mark.tensorflow


def ranges(**values):
    from tfx.proto import range_config_pb2

    if "last" in values:
        window = range_config_pb2.RollingRange(num_spans=values["last"])
        return range_config_pb2.RangeConfig(rolling_range=window)
    one = range_config_pb2.StaticRange(
        start_span_number=values["one"], end_span_number=values["one"]
    )
    return range_config_pb2.RangeConfig(static_range=one)


@pytest.mark.parametrize(
    ("chosen", "rows"),
    [({"last": 1}, 50), ({"last": 2}, 50), ({"last": 3}, 80), ({"last": 9}, 100), ({"one": 1}, 20)],
)
def test_the_spans_that_are_read(tmp_path, chosen, rows):
    """There are the spans 1, 2 and 4."""
    for span, count in ((1, 20), (2, 30), (4, 50)):
        write(tmp_path / f"span-{span}" / "a.csv", many("x,y\n", f"{span},{{i}}\n", count))
    source = tmp_path / "span-{SPAN}"
    artifact, _, properties = ingest(tmp_path / "out", source, range_config=ranges(**chosen))
    assert sum(map(len, read(artifact).values())) == rows
    assert properties["span"] == (1 if "one" in chosen else 4)


def test_a_span_that_is_not_there(tmp_path):
    write(tmp_path / "span-1" / "a.csv", many("x,y\n", "1,{i}\n"))
    message, _ = refused(tmp_path / "o", tmp_path / "span-{SPAN}", range_config=ranges(one=7))
    assert message.startswith("there is no data: ")
