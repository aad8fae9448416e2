"""The least share of values in the first schema: each split of the same rows reaches it."""

from __future__ import annotations

import datetime
import random

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.profiling.test_decisions import decide, feature
from tfx_pipeline.profiling.schema_text import schema_pbtxt

ROWS = 3000
CHANCE = random.Random(1)


def table(**columns):
    return {
        "x": [f"{CHANCE.gauss(0, 1):.3f}" for _ in range(ROWS)],
        "y": [CHANCE.choice(["no", "yes"]) for _ in range(ROWS)],
        **columns,
    }


def known_with(shares):
    """Numbers, each known with the given probability."""
    return [str(CHANCE.randrange(9)) if CHANCE.random() < share else "" for share in shares]


DAYS = [str(datetime.date(2014, 1, 1) + datetime.timedelta(days=row)) for row in range(ROWS)]


def presence(decided, name):
    schema = text_format.Parse(schema_pbtxt(decided, "table.csv"), schema_pb2.Schema())
    return next(found for found in schema.feature if found.name == name).presence


@pytest.mark.parametrize("late", [0.9, 0.4, 0.05])
def test_what_is_known_less_often_later(late, tmp_path):
    values = known_with([0.8 if row < ROWS * 0.8 else late for row in range(ROWS)])
    decided = decide(tmp_path, table(sold_at=DAYS, v=values))
    assert decided.split["time"] == "sold_at"
    known = np.array([value != "" for value in values])
    shares = [part.mean() for part in np.split(known, [int(ROWS * 0.6), int(ROWS * 0.8)])]
    least = presence(decided, "v").min_fraction
    assert 0 <= min(shares) - least < 0.15
    assert presence(decided, "sold_at").min_fraction == 1


def test_what_is_known_only_later_is_left_out(tmp_path):
    later = known_with([0.7 * (row > ROWS * 0.7) for row in range(ROWS)])
    decided = decide(tmp_path, table(sold_at=DAYS, later=later, before=later[::-1]))
    assert feature(decided, "later").settings is None
    assert "early rows" in feature(decided, "later").reason
    assert feature(decided, "before").settings is not None
    assert presence(decided, "before").min_count == 0, "the late rows have none"


def test_rows_of_one_group_are_alike(tmp_path):
    groups = [CHANCE.randrange(40) for _ in range(ROWS)]
    values = known_with([group % 2 for group in groups])
    columns = table(customer_id=[str(1000 + group) for group in groups], v=values)
    decided = decide(tmp_path, columns)
    assert decided.split["by"] == "customer_id"
    assert presence(decided, "v").min_fraction == 0, "a split has eight groups; all may have none"
    del columns["customer_id"]
    assert presence(decide(tmp_path, columns), "v").min_fraction > 0.3
