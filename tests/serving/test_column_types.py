"""Dates, booleans and lists in requests: every protocol and signature gives the same answer."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from tests.modeling import harness
from tests.modeling.test_types import CONFIG, ROWS, SCHEMA
from tests.serving.harness import RawClient
from tfx_pipeline.serving import Client, LocalServer

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    transformed = harness.transform(folder, CONFIG, SCHEMA, {"train": ROWS})
    model = harness.train(transformed, folder, **harness.SHORT)
    target = folder / "served" / "1"
    target.parent.mkdir()
    (folder / model).rename(target)
    options = ("--model_name=types", f"--model_base_path={target.parent}")
    with LocalServer(*options, seconds=600) as running:
        yield running


def as_sent(row):
    """A row with the values that a Python program has."""
    when = row.get("when")
    moment = datetime.datetime.strptime(when, "%d/%m/%Y %H:%M") if when else None
    tags = [tag.strip() for tag in row.get("tags", "").split(",")]
    active = row.get("active")
    return {
        **{name: row.get(name) for name in ("said", "sizes", "three", "note")},
        "when": moment,
        "active": None if active is None else bool(active),
        "paid": bool(row["paid"]),
        "tags": tags,
    }


@pytest.mark.parametrize("signature", ["columns", "serving_default"])
@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_the_client(server, signature, protocol):
    expected = Client(server.grpc, "types", signature="columns").predict([dict(as_sent(ROWS[0]))])
    rows = [as_sent(row) for row in ROWS]
    found = Client(getattr(server, protocol), "types", signature=signature).predict(rows)
    probabilities = np.asarray(found.outputs["probabilities"])
    assert probabilities[:1] == pytest.approx(expected.outputs["probabilities"], abs=1e-6)
    assert len({tuple(row) for row in probabilities.round(6)}) > 50
    # With dates as in the data.
    raw = [{name: value for name, value in row.items() if name != "y"} for row in ROWS]
    as_text = Client(server.grpc, "types").predict(raw)
    assert probabilities == pytest.approx(as_text.outputs["probabilities"], abs=1e-6)


def test_json_as_written_by_hand(server):
    row = {"when": "31/12/2019 23:30", "active": -1, "paid": True, "said": "no", "tags": ["a", "b"]}
    row |= {"sizes": [1, 2], "three": ["x", "", "z"], "note": "赤い車"}
    status, answer = RawClient(server).post(
        "/v1/models/types:predict", {"signature_name": "columns", "instances": [row]}
    )
    assert status == 200, answer
    sent = {**row, "active": None, "when": datetime.datetime(2019, 12, 31, 23, 30)}
    expected = Client(server.grpc, "types").predict([sent]).outputs["probabilities"]
    assert answer["predictions"][0]["probabilities"] == pytest.approx(expected[0], abs=1e-6)
