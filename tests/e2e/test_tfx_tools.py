"""TensorBoard, TFMA's and TFDV's own views still work on the artifacts of a run."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

import httpx
import pytest
import tensorflow_data_validation as tfdv
import tensorflow_model_analysis as tfma
from tensorflow_data_validation.utils.display_util import get_statistics_html
from tensorflow_metadata.proto.v0 import statistics_pb2

from tests import programs
from tests.projects import environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.tensorflow]


def uri(project, node, key):
    return project.result("first")["nodes"][node]["outputs"][key][0]


@contextlib.contextmanager
def tensorboard(folder, log):
    """A real TensorBoard over a folder; the base URL of its HTTP API."""
    port = programs.free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--reload_interval", "1"]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment(), stdout=output, stderr=output) as process,
    ):
        try:
            yield process, f"http://127.0.0.1:{port}/data/plugin/scalars"
        finally:
            process.terminate()


def scalars(process, base, wanted):
    """The tags by run, once TensorBoard has read all `wanted` runs."""
    while True:
        assert process.poll() is None, "TensorBoard has ended"
        with contextlib.suppress(httpx.TransportError):
            tags = httpx.get(f"{base}/tags").json()
            if wanted <= set(tags):
                return tags
        time.sleep(0.5)


def test_tensorboard_shows_the_training_of_a_run(trained, tmp_path):
    folder = trained.home / "runs" / "first"
    train, validation = "tensorboard/Trainer/train", "tensorboard/Trainer/validation"
    with tensorboard(folder, tmp_path / "log") as (process, base):
        tags = scalars(process, base, {train, validation})
        losses = {}
        for run in (train, validation):
            assert "epoch_loss" in tags[run]
            answer = httpx.get(f"{base}/scalars", params={"run": run, "tag": "epoch_loss"})
            losses[run] = [(step, round(value, 6)) for _, step, value in answer.json()]
    history = pathlib.Path(uri(trained, "Trainer", "model_run"), "history.json")
    series = json.loads(history.read_text())["series"]
    for run, of_run in (("train", losses[train]), ("validation", losses[validation])):
        assert of_run == [(int(s), round(v, 6)) for s, v in series[run]["epoch_loss"]]


def test_the_link_to_the_training_logs_can_be_moved_with_the_folder(trained, tmp_path):
    link = trained.home / "runs" / "first" / "tensorboard" / "Trainer"
    assert (
        link.resolve() == (trained.home / "Trainer" / "model_run").resolve() / link.resolve().name
    )
    assert not link.readlink().is_absolute()
    moved = tmp_path / "moved"
    shutil.copytree(trained.home, moved, symlinks=True)
    assert (moved / "runs" / "first" / "tensorboard" / "Trainer" / "history.json").is_file()


@pytest.fixture
def evaluation(trained):
    return tfma.load_eval_result(uri(trained, "Evaluator", "evaluation"))


def test_tfma_renders_slices(trained, evaluation):
    metrics = trained.result("first")["metrics"]
    [overall] = tfma.view.render_slicing_metrics(evaluation).data
    assert overall["slice"] == "Overall"
    found = {name: m["doubleValue"] for name, m in overall["metrics"][""][""].items()}
    assert found == pytest.approx(metrics)
    rows = tfma.view.render_slicing_metrics(evaluation, slicing_column="trip_start_hour").data
    assert len(rows) == 24
    assert sum(
        row["metrics"][""][""]["example_count"]["doubleValue"] for row in rows
    ) == pytest.approx(metrics["example_count"])


def test_tfma_renders_a_time_series(trained, evaluation):
    folder = uri(trained, "Evaluator", "evaluation")
    results = tfma.load_eval_results([folder, folder], mode=tfma.DATA_CENTRIC_MODE)
    series = tfma.view.render_time_series(results).data
    auc = [point["metrics"][""][""]["auc"]["doubleValue"] for point in series]
    assert auc == pytest.approx([trained.result("first")["metrics"]["auc"]] * 2)


def test_tfma_renders_plots(trained, evaluation):
    drawn = tfma.view.render_plot(evaluation)
    matrices = drawn.data["confusionMatrixAtThresholds"]["matrices"]
    half = next(m for m in matrices if m.get("threshold") == 0.5)
    metrics = trained.result("first")["metrics"]
    right = half["truePositives"] + half["trueNegatives"]
    assert right / metrics["example_count"] == pytest.approx(metrics["binary_accuracy"])
    buckets = drawn.data["calibrationHistogramBuckets"]["buckets"]
    rows = sum(bucket["numWeightedExamples"] for bucket in buckets)
    assert rows == pytest.approx(metrics["example_count"])


def test_tfdv_shows_statistics_schema_and_anomalies(trained, capsys):
    folder = uri(trained, "StatisticsGen", "statistics")
    train, evaluated = (
        tfdv.load_stats_binary(f"{folder}/Split-{name}/FeatureStats.pb")
        for name in ("train", "eval")
    )
    html = get_statistics_html(train, evaluated, "train", "eval")
    content = base64.b64decode(re.search(r'proto-input="([^"]+)"', html)[1])
    shown = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
    assert [dataset.name for dataset in shown.datasets] == ["train", "eval"]
    rows = [dataset.num_examples for dataset in shown.datasets]
    assert rows == [train.datasets[0].num_examples, evaluated.datasets[0].num_examples]
    schema = tfdv.load_schema_text(f"{uri(trained, 'SchemaGen', 'schema')}/schema.pbtxt")
    assert not tfdv.validate_statistics(evaluated, schema).anomaly_info
    tfdv.visualize_statistics(train, evaluated)
    tfdv.display_schema(schema)
    assert "payment_type" in capsys.readouterr().out
