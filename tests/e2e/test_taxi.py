"""The bundled example from raw rows to a served model, run as its user runs it.

The tests share one project. Each puts back what it changed, so that their order does not matter.
"""

from __future__ import annotations

import csv
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from tests.projects import environment

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

STANDARD = {
    "ExampleGen", "StatisticsGen", "SchemaGen", "ImportSchemaGen", "ExampleValidator", "DataGate",
    "Transform", "Trainer", "ExportCheck", "BaselineResolver", "Evaluator", "Pusher",
}  # fmt: skip


@pytest.fixture(scope="module")
def first(project):
    """The project's first run; every test needs it."""
    result = project.run("--run-id", "first")
    assert result.exit_code == 0, result.log
    return result


@pytest.fixture(scope="module")
def second(first, project):
    """A run of the same, after the data was touched; its nodes log what they import."""
    before = project.versions
    project.data.touch()
    result = project.run("--run-id", "second", PYTHONPROFILEIMPORTTIME="1")
    assert result.exit_code == 0, result.log
    assert pathlib.Path(result.run["pushed_model"]).name == before[-1]
    assert project.versions == before
    return result


def test_a_first_run_ends_with_a_pushed_model(first):
    assert first.states() == dict.fromkeys(STANDARD, "complete")
    assert first.run["nodes"]["ExportCheck"]["note"] is None  # it was compared with Transform
    assert first.run["state"] == "complete"
    assert first.run["blessed"] is True
    assert first.run["metrics"]["auc"] > 0.9
    pushed = pathlib.Path(first.run["pushed_model"])
    assert pushed.parent.parts[-3:] == ("build", "serving", "chicago-taxi")


def test_run_json_is_what_the_command_printed(first, project):
    assert json.loads((project.home / "runs" / "first" / "run.json").read_text()) == first.run
    for node in first.run["nodes"].values():
        assert pathlib.Path(node["log"]).exists()
        for uri in (uri for uris in node["outputs"].values() for uri in uris):
            assert pathlib.Path(uri).exists()


SERVE = """
import os, sys
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import json
import numpy as np
import tensorflow as tf
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    model = tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
    signature = model.signature_def["columns"]
    row = json.loads(sys.argv[2])
    feeds = {}
    for name, tensor in signature.inputs.items():
        dtype = tf.dtypes.as_dtype(tensor.dtype).as_numpy_dtype
        value = row[name]
        feeds[tensor.name] = np.array([value], dtype)
    outputs = session.run({k: t.name for k, t in signature.outputs.items()}, feeds)
    print(json.dumps({k: v.tolist() if v.dtype != object else [] for k, v in outputs.items()}))
"""


def test_the_pushed_model_answers_a_raw_row_in_a_graph_session(trained):
    with trained.data.open() as file:
        raw = next(row for row in csv.DictReader(file) if row["company"])
    row = {name: as_value(text) for name, text in raw.items()}
    model = trained.folder / "build" / "serving" / "chicago-taxi" / trained.versions[-1]
    command = [sys.executable, "-c", SERVE, str(model), json.dumps(row)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    probabilities = json.loads(done.stdout.splitlines()[-1])["probabilities"][0]
    assert len(probabilities) == 2
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)


def as_value(text):
    if text == "":
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return text


def test_a_second_run_takes_everything_from_the_cache(first, second):
    assert second.executed() == set(), reasons(second)
    assert second.run["metrics"] == first.run["metrics"]


def test_a_run_from_the_cache_imports_no_tensorflow(second, project):
    logs = (project.home / "runs" / "second" / "logs").glob("*.log")
    imported = "".join(log.read_text() for log in logs)
    assert "tfx.orchestration.portable.launcher" in imported
    assert "tensorflow.python" not in imported


def test_another_learning_rate_executes_the_trainer_and_what_follows(first, project):
    run = project.run("--set", "training.learning_rate=0.01", "--to", "ExportCheck")
    assert run.exit_code == 0, run.log
    assert run.executed() == {"Trainer", "ExportCheck"}
    assert "learning_rate" in run.run["nodes"]["Trainer"]["reason"]
    assert run.states()["Pusher"] == "skipped"


def test_another_threshold_executes_the_evaluator_only_and_refuses(first, project):
    run = project.run("--set", "evaluation.thresholds.auc.min=0.999")
    assert run.exit_code == 3
    assert run.run["state"] == "refused"
    assert run.executed() == set()
    assert run.states()["Evaluator"] == "failed"
    assert run.states()["Pusher"] == "skipped"
    finding = run.run["nodes"]["Evaluator"]["findings"][0]
    assert finding["subject"] == "auc"
    assert "0.999" in finding["rule"]
    assert run.run["blessed"] is False
    assert run.run["pushed_model"] is None


def test_from_reuses_what_earlier_runs_made(first, project):
    before = project.versions
    run = project.run("--from", "Evaluator", "--no-cache")
    assert run.exit_code == 0, run.log
    assert run.executed() == {"Evaluator", "Pusher"}
    assert run.states()["Trainer"] == "cached"
    assert len(project.versions) == len(before) + 1


def test_changed_code_executes_what_depends_on_it(first, project):
    model = project.modules / "model.py"
    before = model.read_text()
    try:
        model.write_text(before + "\n# changed\n")
        run = project.run("--to", "Trainer")
    finally:
        model.write_text(before)
    assert run.exit_code == 0, run.log
    assert run.executed() == {"Trainer"}
    assert "code of modules.model" in run.run["nodes"]["Trainer"]["reason"]


def test_a_deleted_push_is_pushed_again(first, project):
    for version in project.versions:
        shutil.rmtree(project.folder / "build" / "serving" / "chicago-taxi" / version)
    run = project.run()
    assert run.executed() == {"Pusher"}, reasons(run)
    assert len(project.versions) == 1


def test_changed_data_executes_all_that_reads_it(first, project):
    data = project.data.read_bytes()
    project.data.write_bytes(b"".join(data.splitlines(keepends=True)[:-100]))
    try:
        run = project.run("--to", "Transform")
    finally:
        project.data.write_bytes(data)
    assert run.exit_code == 0, run.log
    assert run.executed() == {
        "ExampleGen", "StatisticsGen", "ExampleValidator", "DataGate", "Transform",
    }  # fmt: skip
    assert "parameter" in run.run["nodes"]["ExampleGen"]["reason"]


def test_runs_and_show_tell_the_same(first, project):
    listed = json.loads(cli(project, "runs", "--json"))
    assert listed[0]["run_id"] == "first"
    assert listed[0]["metrics"] == first.run["metrics"]
    assert json.loads(cli(project, "show", "first", "--json")) == first.run
    assert "Evaluator" in cli(project, "show", "first")


def cli(project, *arguments):
    command = [sys.executable, "-m", "tfx_pipeline", *arguments]
    return subprocess.run(
        command, cwd=project.folder, env=environment(), capture_output=True, text=True, check=True
    ).stdout


def reasons(result):
    return {name: node.get("reason") for name, node in result.run["nodes"].items()}
