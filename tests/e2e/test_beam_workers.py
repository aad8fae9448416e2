"""The executors on several Beam workers: nothing in them assumes one process."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from tests.components.test_statistics_gen import as_numbers, equal
from tests.components.test_transform import rows_of

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

WORKERS = "beam.options=[--direct_running_mode=multi_processing, --direct_num_workers=2]"


@pytest.fixture(scope="module")
def spread(project):
    run = project.run("--set", WORKERS, "--to", "Transform")
    assert run.exit_code == 0, run.log
    return run.run["nodes"]


@pytest.fixture
def alone(trained):
    return json.loads((trained.home / "runs" / "first" / "run.json").read_text())["nodes"]


def output(nodes, node, key):
    return nodes[node]["outputs"][key][0]


def test_examples_are_the_same_bytes(spread, alone):
    for split in ("train", "eval", "test"):
        ours, theirs = (
            sorted(path.read_bytes() for path in folder.iterdir())
            for folder in (
                pathlib.Path(output(nodes, "ExampleGen", "examples"), f"Split-{split}")
                for nodes in (spread, alone)
            )
        )
        assert ours == theirs


def test_statistics_are_the_same(spread, alone):
    from tensorflow_metadata.proto.v0 import statistics_pb2

    for split in ("train", "eval", "test"):
        ours, theirs = (
            statistics_pb2.DatasetFeatureStatisticsList.FromString(
                pathlib.Path(
                    output(nodes, "StatisticsGen", "statistics"),
                    f"Split-{split}",
                    "FeatureStats.pb",
                ).read_bytes()
            )
            for nodes in (spread, alone)
        )
        assert equal(as_numbers(ours), as_numbers(theirs))


def test_transformed_rows_are_the_same(spread, alone):
    for split in ("train", "eval"):
        ours, theirs = (
            rows_of(
                output(nodes, "Transform", "transform_graph"),
                output(nodes, "Transform", "transformed_examples"),
                split,
            )
            for nodes in (spread, alone)
        )
        assert len(ours) > 1000
        assert np.allclose(np.array(ours, float), np.array(theirs, float), rtol=1e-5)
