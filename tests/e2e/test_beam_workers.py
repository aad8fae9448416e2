"""The executors on several Beam workers: nothing in them assumes one process."""

from __future__ import annotations

import json
import pathlib
import socket
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tests import approximately
from tests.components.statistics_gen.test_statistics_gen import ROUNDING, as_numbers
from tests.projects import make_project

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

PROCESSES = "options: [--direct_running_mode=multi_processing, --direct_num_workers=2]"
SERVICE = """
runner: PortableRunner
options: ["--job_endpoint=localhost:{port}", --environment_type=LOOPBACK]
"""


@pytest.fixture(scope="module")
def job_service(tmp_path_factory):
    """Beam's own portable job service; gives its port."""
    log = tmp_path_factory.mktemp("service") / "log"
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    module = "apache_beam.runners.portability.local_job_service_main"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--port", str(port)], stdout=out, stderr=out
        )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module", params=["processes", "service"])
def spread(request, tmp_path_factory):
    """The data nodes' outputs from several processes, or through a job service."""
    project = make_project(tmp_path_factory.mktemp(request.param) / "taxi")
    beam = PROCESSES
    if request.param == "service":
        beam = SERVICE.format(port=request.getfixturevalue("job_service"))
    text = (project.folder / "pipeline.yaml").read_text()
    assert "beam: {runner: direct, options: []}" in text
    beam = "beam:\n" + textwrap.indent(beam.strip(), "  ")
    text = text.replace("beam: {runner: direct, options: []}", beam)
    (project.folder / "pipeline.yaml").write_text(text)
    run = project.run("--to", "Transform")
    assert run.exit_code == 0, run.log
    return run.run["nodes"]


@pytest.fixture
def alone(trained):
    """The outputs of the same nodes in one process."""
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
        assert approximately.equal(
            as_numbers(ours), as_numbers(theirs), relative=ROUNDING, absolute=1e-12
        )


def transformed(nodes, split) -> np.ndarray:
    """The transformed rows as numbers, [rows, columns], sorted: they have no order of their own."""
    import tensorflow as tf
    import tensorflow_transform as tft

    spec = tft.TFTransformOutput(
        output(nodes, "Transform", "transform_graph")
    ).transformed_feature_spec()
    folder = pathlib.Path(output(nodes, "Transform", "transformed_examples"), f"Split-{split}")
    files = [str(path) for path in sorted(folder.iterdir())]
    records = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    parsed = tf.io.parse_example(records, spec)
    columns = [parsed[name].numpy().reshape(len(records)).astype(float) for name in sorted(spec)]
    return np.array(sorted(zip(*columns)))


def test_transformed_rows_are_the_same(spread, alone):
    for split in ("train", "eval"):
        ours, theirs = transformed(spread, split), transformed(alone, split)
        assert len(ours) > 1000
        assert ours.shape[1] > 10
        assert np.allclose(ours, theirs, rtol=1e-5)
