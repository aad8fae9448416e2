"""Runs that are interrupted, nodes that are killed, retried, or started out of turn."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from tests.projects import Project, environment
from tfx_pipeline.metadata import database
from tfx_pipeline.metadata.history import History
from tfx_pipeline.metadata.node_record import NodeRecord

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

SLOW_TRAINER = """
import os, time
from modules import trainer

def run_fn(fn_args):
    if os.path.exists("slow"):
        print("training is on", flush=True)
        time.sleep(600)
    if os.path.exists("fail"):
        raise ValueError("this trainer fails while the file 'fail' is there")
    trainer.run_fn(fn_args)
"""


@pytest.fixture(scope="module")
def project(project) -> Project:
    """A project whose trainer sleeps while there is a file `slow`, and fails beside `fail`."""
    (project.modules / "slow_trainer.py").write_text(SLOW_TRAINER)
    text = (project.folder / "pipeline.yaml").read_text()
    text = text.replace("modules.trainer.run_fn", "modules.slow_trainer.run_fn")
    (project.folder / "pipeline.yaml").write_text(text.replace("steps:", "steps: 20 #"))
    return project


@pytest.fixture(scope="module")
def failed(project):
    """The first run, `failed`, in which the Trainer fails; then its ExportCheck is started."""
    (project.folder / "fail").touch()
    result = project.run("--run-id", "failed", steps=None)
    (project.folder / "fail").unlink()
    return result, project.node("failed", "ExportCheck")


@pytest.fixture(scope="module")
def ready(failed, project) -> str:
    """The id of a run whose nodes before the Trainer are done."""
    result = project.run("--run-id", "ready", "--to", "Transform", steps=None)
    assert result.exit_code == 0, result.log
    return "ready"


@pytest.fixture
def slow(project):
    """The file that makes the trainer sleep, for one test."""
    file = project.folder / "slow"
    file.touch()
    yield file
    file.unlink(missing_ok=True)


def history(project: Project) -> History:
    config = database.connection_config("sqlite", project.home / "metadata.db")
    return History(database.open_store(config), "chicago-taxi")


def record(project: Project, node: str, run_id: str) -> NodeRecord:
    return history(project).record(node, run_id)


def wait_for(path, text, seconds=600):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.2)
    raise AssertionError(f"{path} has no {text!r} after {seconds} s")


def test_ctrl_c_cancels_and_resume_continues(failed, project, slow):
    # No other test has put such a DataGate and such a Trainer into the cache.
    own = ("--set", "schema.on_anomaly=warn", "--set", "training.seed=7")
    command = project.command("--run-id", "interrupted", *own)
    process = subprocess.Popen(command, cwd=project.folder, env=environment())
    wait_for(project.home / "runs" / "interrupted" / "logs" / "Trainer.log", "training is on")
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    written = json.loads((project.home / "runs" / "interrupted" / "run.json").read_text())
    assert written["state"] == "canceled"
    assert written["nodes"]["DataGate"]["state"] == "complete"
    assert written["nodes"]["Trainer"]["state"] == "canceled"
    assert record(project, "Trainer", "interrupted").state == "canceled"

    slow.unlink()
    before = [record(project, node, "interrupted") for node in ("DataGate", "Transform")]
    result = project.run("--resume", "interrupted", steps=None)
    assert result.exit_code == 0, result.log
    assert result.states()["Trainer"] == "complete"
    after = [record(project, node, "interrupted") for node in ("DataGate", "Transform")]
    assert [each.execution_id for each in after] == [each.execution_id for each in before]
    assert len(history(project).executions("DataGate", "interrupted")) == 1
    assert len(history(project).executions("Transform", "interrupted")) == 1


def test_one_nodes_failure_stops_only_what_depends_on_it(failed):
    result, _ = failed
    assert result.exit_code == 1
    assert result.states()["SchemaGen"] == "complete"
    assert result.states()["Trainer"] == "failed"
    assert "this trainer fails" in result.run["nodes"]["Trainer"]["error"]
    assert result.states()["Pusher"] == "skipped"


def test_a_node_whose_upstream_failed_does_not_run(failed, project):
    _, done = failed
    assert done.returncode == 1
    assert "upstream node" in done.stderr
    assert "Trainer" in done.stderr
    assert record(project, "ExportCheck", "failed") is None


def test_a_failed_node_succeeds_on_retry_and_is_then_left_alone(failed, project):
    assert project.node("failed", "Trainer").returncode == 0
    execution = record(project, "Trainer", "failed").execution_id
    assert project.node("failed", "Trainer").returncode == 0
    assert record(project, "Trainer", "failed").execution_id == execution
    assert len(history(project).executions("Trainer", "failed")) == 1


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signalled_node_is_canceled_in_ml_metadata(ready, project, slow, signum):
    command = project.node_command(ready, "Trainer", "--no-cache")
    log = project.folder / f"{signum.name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=project.folder, env=environment(), stdout=out, stderr=subprocess.STDOUT
        )
    wait_for(log, "training is on")
    assert record(project, "Trainer", ready).state == "running"
    process.send_signal(signum)
    assert process.wait() == 128 + signum
    assert record(project, "Trainer", ready).state == "canceled"


def test_wrong_usage_of_the_node_command_is_exit_code_2(failed, project):
    done = project.node("failed", "Trainr")
    assert (done.returncode, "Did you mean 'Trainer'" in done.stderr) == (2, True)
    done = project.node("failed", "Trainer", "--param", "stepps=3")
    assert (done.returncode, "Did you mean 'steps'" in done.stderr) == (2, True)
    done = project.node("failed", "Trainer", "--param", "steps=many")
    assert (done.returncode, "must be of type int" in done.stderr) == (2, True)
