"""Runs that are interrupted, nodes that are killed, retried, or started out of turn."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from tests.projects import environment
from tfx_pipeline.metadata import database
from tfx_pipeline.metadata.history import History

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
def slow(project):
    """A project whose trainer sleeps while the file `slow` is there."""
    (project.modules / "slow_trainer.py").write_text(SLOW_TRAINER)
    text = (project.folder / "pipeline.yaml").read_text()
    text = text.replace("modules.trainer.run_fn", "modules.slow_trainer.run_fn")
    (project.folder / "pipeline.yaml").write_text(text.replace("steps:", "steps: 20 #"))
    return project


def history(project):
    config = database.connection_config("sqlite", project.home / "metadata.db")
    return History(database.open_store(config), "chicago-taxi")


def wait_for(path, text, seconds=600):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.2)
    raise AssertionError(f"{path} never said {text!r}")


def test_ctrl_c_cancels_and_resume_goes_on(slow):
    (slow.folder / "slow").touch()
    command = slow.command("--run-id", "interrupted")
    process = subprocess.Popen(command, cwd=slow.folder, env=environment())
    wait_for(slow.home / "runs" / "interrupted" / "logs" / "Trainer.log", "training is on")
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    written = json.loads((slow.home / "runs" / "interrupted" / "run.json").read_text())
    assert written["state"] == "canceled"
    assert written["nodes"]["Trainer"]["state"] == "canceled"
    assert history(slow).record("Trainer", "interrupted").state == "canceled"

    (slow.folder / "slow").unlink()
    transform = history(slow).record("Transform", "interrupted").execution_id
    result = slow.run("--resume", "interrupted", steps=None)
    assert result.exit_code == 0, result.log
    assert result.states()["Trainer"] == "complete"
    assert history(slow).record("Transform", "interrupted").execution_id == transform
    assert len(history(slow).executions("Transform", "interrupted")) == 1


def test_one_nodes_failure_stops_only_what_depends_on_it(slow):
    (slow.folder / "fail").touch()
    result = slow.run("--run-id", "failed", "--no-cache", steps=None)
    (slow.folder / "fail").unlink()
    assert result.exit_code == 1
    assert result.states()["SchemaGen"] == "complete"
    assert result.states()["Trainer"] == "failed"
    assert "this trainer fails" in result.run["nodes"]["Trainer"]["error"]
    assert result.states()["Pusher"] == "skipped"


def test_a_node_whose_upstream_failed_does_not_run(slow):
    done = slow.node("failed", "ExportCheck")
    assert done.returncode == 1
    assert "upstream node" in done.stderr
    assert "Trainer" in done.stderr
    assert history(slow).record("ExportCheck", "failed") is None


def test_a_failed_node_succeeds_on_retry_and_is_then_left_alone(slow):
    assert slow.node("failed", "Trainer").returncode == 0
    execution = history(slow).record("Trainer", "failed").execution_id
    assert slow.node("failed", "Trainer").returncode == 0
    assert history(slow).record("Trainer", "failed").execution_id == execution
    assert len(history(slow).executions("Trainer", "failed")) == 1


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signalled_node_is_canceled_in_ml_metadata(slow, signum):
    run_id = f"killed-{signum.name}"
    first = slow.run("--run-id", run_id, "--to", "Transform", steps=None)
    assert first.exit_code == 0, first.log
    (slow.folder / "slow").touch()
    command = slow.node_command(run_id, "Trainer", "--no-cache")
    log = slow.folder / f"{run_id}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=slow.folder, env=environment(), stdout=out, stderr=subprocess.STDOUT
        )
    wait_for(log, "training is on")
    process.send_signal(signum)
    assert process.wait() == 128 + signum
    (slow.folder / "slow").unlink()
    assert history(slow).record("Trainer", run_id).state == "canceled"


def test_wrong_usage_of_the_node_command_is_exit_code_2(slow):
    done = slow.node("failed", "Trainr")
    assert (done.returncode, "Did you mean 'Trainer'" in done.stderr) == (2, True)
    done = slow.node("failed", "Trainer", "--param", "stepps=3")
    assert (done.returncode, "Did you mean 'steps'" in done.stderr) == (2, True)
    done = slow.node("failed", "Trainer", "--param", "steps=many")
    assert (done.returncode, "must be of type int" in done.stderr) == (2, True)
