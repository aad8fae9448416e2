"""A training in several pods of an Argo Workflow, and in one pod of Kubeflow Pipelines."""

from __future__ import annotations

import pytest

from tests.orchestrators.kubeflow import plans
from tests.orchestrators.kubeflow.conftest import load_all, write_kfp
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.ir.manifest import Node
from tfx_pipeline.orchestrators.kubeflow import argo
from tfx_pipeline.orchestrators.kubeflow.plan import TRAINER, TUNER, make_plan


def plan(workers):
    section = Kubeflow.model_validate(plans.EVERYTHING)
    return make_plan(plans.manifest(), section, plans.IMAGE, plans.SOURCE, {TRAINER: workers})


@pytest.fixture
def written():
    return argo.write(plan(3), None)


@pytest.fixture
def templates(written):
    (workflow,) = load_all(written)
    return {t["name"]: t for t in workflow["spec"]["templates"]}


@pytest.fixture
def single():
    (workflow,) = load_all(argo.write(plan(1), None))
    return next(t for t in workflow["spec"]["templates"] if t["name"] == "trainer")


def test_argos_schema_has_every_key(written, in_kfp):
    assert all(count > 300 for count in in_kfp("strict_argo.py", written))


def test_the_chief_waits_for_the_workers_and_gets_their_addresses(templates):
    tasks = {task["name"]: task for task in templates["trainer"]["dag"]["tasks"]}
    assert set(tasks) == {"worker-1", "worker-2", "chief"}
    assert tasks["worker-1"] == {"name": "worker-1", "template": "trainer-worker"}
    chief = tasks["chief"]
    assert chief["dependencies"] == ["worker-1", "worker-2"]
    hosts = "{{tasks.worker-1.ip}}:2223,{{tasks.worker-2.ip}}:2223"
    assert chief["arguments"] == {"parameters": [{"name": "workers", "value": hosts}]}
    assert templates["trainer-chief"]["inputs"] == {"parameters": [{"name": "workers"}]}


def test_only_the_trainer_has_workers(templates, single):
    """The others are as without workers, and wait for the whole Trainer."""
    plain = {step.name for step in plan(1).steps}
    last = {"on-exit", "run-report", "exit-handler"}
    assert set(templates) == plain | last | {"nodes", "trainer-worker", "trainer-chief"}
    evaluator = next(t for t in templates["nodes"]["dag"]["tasks"] if t["name"] == "evaluator")
    assert "trainer" in evaluator["dependencies"]


def test_the_chief_is_the_node_command(templates, single):
    chief = templates["trainer-chief"]
    added = chief["container"]["env"][-2:]
    assert added == [
        {"name": "TFX_PIPELINE_WORKERS", "value": "{{inputs.parameters.workers}}"},
        {"name": "TFX_PIPELINE_WORKERS_KEY", "value": "{{workflow.uid}}"},
    ]
    del chief["container"]["env"][-2:], chief["inputs"]
    assert {**chief, "name": "trainer"} == single


def test_a_worker_is_a_daemon_with_the_steps_resources(templates, single):
    worker = templates["trainer-worker"]
    assert worker["daemon"] is True
    container = worker["container"]
    assert container["readinessProbe"]["tcpSocket"] == {"port": 2223}
    command = [*container["command"], *container["args"]]
    assert command[1:] == ["-m", "tfx_pipeline.components.worker_host", "--port", "2223"]
    for key in ("image", "resources", "volumeMounts", "imagePullPolicy"):
        assert container[key] == single["container"][key]
    for key in ("nodeSelector", "tolerations", "activeDeadlineSeconds"):
        assert worker[key] == single[key]
    assert "retryStrategy" not in worker


def test_a_tuner_has_workers_of_its_own():
    command = ("python", "-m", "tfx_pipeline.node", "--node", "Tuner")
    tuner = Node(id="Tuner", type=TUNER, command=command)
    manifest = plans.manifest()
    manifest = manifest.model_copy(update={"nodes": (*manifest.nodes, tuner)})
    workers = {TRAINER: 1, TUNER: 2}
    written = make_plan(manifest, Kubeflow(), plans.IMAGE, plans.SOURCE, workers)
    (workflow,) = load_all(argo.write(written, None))
    found = {t["name"] for t in workflow["spec"]["templates"]}
    assert {"tuner", "tuner-worker", "tuner-chief", "trainer"} <= found
    assert "trainer-worker" not in found


def test_kubeflow_pipelines_has_one_pod_for_all(tmp_path):
    """Its format has no daemons: the node command starts the workers in its own pod."""
    assert write_kfp(plan(3), tmp_path) == write_kfp(plan(1), tmp_path)
