"""Several processes train one model: the same metrics as one, here and as the pods of a cluster."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from tests.projects import REPOSITORY, environment
from tfx_pipeline import load_config, open_runs
from tfx_pipeline.components.trainer.local_worker import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

TOGETHER = ("--set", "training.strategy=multi_worker", "--set", "training.workers=2")


@pytest.fixture(scope="module")
def alone(project):
    result = project.run("--run-id", "alone")
    assert result.exit_code == 0, result.log
    return result.run


@pytest.fixture(scope="module")
def together(alone, project):
    result = project.run("--run-id", "together", *TOGETHER)
    assert result.exit_code == 0, result.log
    return result


def assert_close(metrics, expected):
    """Within the noise of the seeds: dropout draws other numbers in other processes."""
    assert set(metrics) == set(expected)
    for name in ("auc", "binary_accuracy", "binary_crossentropy"):
        assert metrics[name] == pytest.approx(expected[name], abs=0.01), name
    assert metrics["example_count"] == expected["example_count"]


def test_two_processes_give_the_metrics_of_one(alone, together):
    assert together.executed() >= {"Trainer", "ExportCheck", "Evaluator", "Pusher"}
    assert "Transform" not in together.executed()
    assert together.run["blessed"] is True
    assert_close(together.run["metrics"], alone["metrics"])


def test_the_log_says_who_trained(together):
    with open(together.run["nodes"]["Trainer"]["log"], encoding="utf-8") as file:
        log = file.read()
    assert log.count(" INFO Evaluation 1: ") == 1
    assert "worker 1: Evaluation" not in log


def test_a_batch_that_cannot_be_divided_is_wrong_usage(project):
    """At run time: the configuration alone would be refused before the run."""
    command = project.command(*TOGETHER, "--set", "training.batch_size=1")
    done = subprocess.run(
        command, cwd=project.folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "training.batch_size: 1 rows cannot be divided among 2 workers" in done.stderr
    assert "Traceback" not in done.stderr


def pods(project, tmp_path, *arguments):
    """The templates of the Argo Workflow by name."""
    file = tmp_path / "taxi.yaml"
    script = str(REPOSITORY / "runners" / "kubeflow_runner.py")
    command = [sys.executable, script, "--image", "registry.example/taxi:1", "--format", "argo"]
    done = subprocess.run(
        [*command, "--output", str(file), *arguments],
        cwd=project.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    workflow = YAML(typ="safe", pure=True).load(file.read_text())
    return {t["name"]: t["container"] for t in workflow["spec"]["templates"] if "container" in t}


def start(container, values, project):
    """A pod as a process here, with what Argo fills in."""

    def filled(text):
        for name, value in values.items():
            text = text.replace(name, value)
        assert "{{" not in text, text
        return text

    added = [v for v in container.get("env", ()) if "WORKERS" in v["name"]]
    variables = {v["name"]: filled(v["value"]) for v in added}
    command = [filled(part) for part in [*container["command"], *container["args"]]]
    return subprocess.Popen(
        [sys.executable, *command[1:]],
        cwd=project.folder,
        env={**environment(), **variables},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_pods_of_an_argo_workflow(alone, project, tmp_path):
    """Their very commands and variables, as processes of this machine."""
    settings = (*TOGETHER, "--set", "training.seed=2")  # no result of the runs before
    upstream = project.run("--run-id", "pods", *settings, "--to", "Transform")
    assert upstream.exit_code == 0, upstream.log
    root = ("--root", str(project.folder / "build"))
    templates = pods(project, tmp_path, *root, *settings, "--set", "training.steps=200")
    (port,) = free_ports(1)
    parameters = {"steps": "200", "batch_size": "256", "learning_rate": "0.002"}
    values = {
        "{{workflow.uid}}": "pods",
        "{{inputs.parameters.workers}}": f"127.0.0.1:{port}",
        **{f"{{{{workflow.parameters.{n}}}}}": v for n, v in parameters.items()},
    }
    # The port is free in a pod, and perhaps not here.
    worker = start(templates["trainer-worker"], {**values, "2223": str(port)}, project)
    try:
        assert any("Waiting for a chief" in line for line in worker.stderr)
        chief = start(templates["trainer-chief"], values, project)
        _, log = chief.communicate()
        assert chief.returncode == 0, log
        assert worker.poll() is None
    finally:
        worker.kill()
        worker.communicate()
    assert "Trainer: complete" in log
    # The local runner's record of the run ends with Transform.
    (project.home / "runs" / "pods" / "run.json").unlink()
    run = open_runs(load_config(project.folder / "pipeline.yaml")).get("pods")
    trainer = run.nodes["Trainer"].outputs
    assert pathlib.Path(trainer["model"][0], "Format-Serving", "saved_model.pb").exists()
    found, expected = (
        last_values(uris["model_run"][0])
        for uris in (trainer, alone["nodes"]["Trainer"]["outputs"])
    )
    assert found == pytest.approx(expected, abs=0.01)


def last_values(model_run):
    """The metrics on the eval split when the training ended."""
    history = json.loads(pathlib.Path(model_run, "history.json").read_text())
    tags = history["series"]["validation"]
    return {name: tags[f"epoch_{name}"][-1][1] for name in ("auc", "binary_accuracy")}
