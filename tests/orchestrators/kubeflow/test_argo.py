"""The Argo Workflow, written from the same plan. Refresh: pytest tests/kubeflow --golden"""

from __future__ import annotations

import pytest

from tests.orchestrators.kubeflow import plans
from tests.orchestrators.kubeflow.conftest import load_all
from tfx_pipeline import errors
from tfx_pipeline.config.kubeflow import Kubeflow, Schedule
from tfx_pipeline.ir.manifest import Parameter
from tfx_pipeline.orchestrators.kubeflow import argo


@pytest.fixture
def everything() -> str:
    return argo.write(plans.everything(), Kubeflow.model_validate(plans.EVERYTHING).schedule)


@pytest.fixture
def workflow(everything):
    return load_all(everything)[0]


def template(workflow, name):
    return next(t for t in workflow["spec"]["templates"] if t["name"] == name)


def test_it_is_the_golden_one(golden):
    golden(plans.GOLDEN / "argo.yaml", argo.write(plans.bundled(), None))


def test_argos_schema_has_every_key(everything, in_kfp):
    counts = in_kfp("strict_argo.py", everything)
    assert len(counts) == 2
    assert all(count > 300 for count in counts)


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        ("dependencies:", "dependsOn:"),
        ("subPath: taxi", "subpath: taxi"),
        ("maxDuration:", "max_duration:"),
        ("concurrencyPolicy:", "concurrency:"),
        ("secretKeyRef:", "secretRef:"),
    ],
)
def test_the_walk_refuses_unknown_keys(sound, broken, everything, in_kfp):
    assert sound in everything
    with pytest.raises(ValueError, match="has no"):
        in_kfp("strict_argo.py", everything.replace(sound, broken, 1))


def test_edges_are_those_of_the_ir(workflow):
    names = {step.node: step.name for step in plans.everything().steps}
    wanted = {names[n.id]: {names[u] for u in n.upstream} for n in plans.manifest().nodes}
    tasks = template(workflow, "nodes")["dag"]["tasks"]
    assert {task["name"]: set(task.get("dependencies", [])) for task in tasks} == wanted


def test_parameters_and_the_run_id_reach_the_command(workflow):
    arguments = template(workflow, "trainer")["container"]["args"]
    assert arguments[:6] == [
        "--pipeline", plans.SOURCE, "--node", "Trainer", "--run-id", "{{workflow.uid}}",
    ]  # fmt: skip
    assert "steps={{workflow.parameters.steps}}" in arguments
    values = {p["name"]: p["value"] for p in workflow["spec"]["arguments"]["parameters"]}
    assert values["steps"] == "1000"
    assert values["learning_rate"] == "0.002"


def test_defaults_of_zero_and_an_empty_text_are_written():
    plan = plans.with_parameters(
        count=Parameter(type="int", default=0),
        rate=Parameter(type="float", default=0.0),
        label=Parameter(type="string", default=""),
        span=Parameter(type="int"),
    )
    workflow = load_all(argo.write(plan, None))[0]
    assert workflow["spec"]["arguments"]["parameters"] == [
        {"name": "count", "value": "0"},
        {"name": "rate", "value": "0.0"},
        {"name": "label", "value": ""},
        {"name": "span"},
    ]


def test_every_key_of_the_section_arrives(workflow):
    spec, trainer = workflow["spec"], template(workflow, "trainer")
    container = trainer["container"]
    assert spec["serviceAccountName"] == "runner"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["onExit"] == "on-exit"
    assert [volume["name"] for volume in spec["volumes"]] == [
        "claim-data", "claim-models", "secret-gcs",
    ]  # fmt: skip
    assert container["resources"] == {
        "requests": {"cpu": "500m", "memory": "8Gi"},
        "limits": {"cpu": "2", "memory": "16Gi", "nvidia.com/gpu": "2"},
    }
    assert container["env"][1]["valueFrom"]["secretKeyRef"] == {"name": "mysql", "key": "password"}
    assert [m["mountPath"] for m in container["volumeMounts"]] == [
        "/data", "/models", "/secrets/gcs",
    ]  # fmt: skip
    assert trainer["activeDeadlineSeconds"] == 7200
    assert trainer["nodeSelector"] == {"pool": "gpu"}
    assert trainer["tolerations"][0]["tolerationSeconds"] == 60
    assert trainer["retryStrategy"]["backoff"]["duration"] == "60s"


def test_at_the_end_the_report_is_written_and_then_the_exit_handler_runs(workflow):
    (report,), (handler,) = template(workflow, "on-exit")["steps"]
    assert report["template"] == "run-report"
    assert report["continueOn"] == {"failed": True, "error": True}
    assert handler == {"name": "exit-handler", "template": "exit-handler"}
    container = template(workflow, "run-report")["container"]
    assert container["command"] == ["python", "-m", "tfx_pipeline.report"]
    assert container["args"] == ["--pipeline", plans.SOURCE, "--run-id", "{{workflow.uid}}"]
    nodes = template(workflow, "trainer")["container"]
    assert (container["env"], container["image"]) == (nodes["env"], nodes["image"])


def test_without_both_nothing_runs_at_the_end():
    spec = argo.workflow(plans.bundled().model_copy(update={"report_step": None}))["spec"]
    assert "onExit" not in spec
    assert "on-exit" not in [t["name"] for t in spec["templates"]]


def test_a_gates_refusal_is_not_retried(workflow):
    expression = template(workflow, "trainer")["retryStrategy"]["expression"]
    assert expression == "!(asInt(lastRetry.exitCode) in [2, 3])"


def test_a_schedule_makes_a_cron_workflow(everything):
    cron = load_all(everything)[1]
    assert cron["metadata"]["name"] == "chicago-taxi"
    assert cron["spec"]["schedules"] == ["0 6 * * 1-5"]
    assert cron["spec"]["timezone"] == "Etc/UTC"
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    given = {p["name"]: p["value"] for p in cron["spec"]["workflowSpec"]["arguments"]["parameters"]}
    assert given["steps"] == "500"
    assert given["batch_size"] == "256"


def test_a_schedule_must_give_what_has_no_default():
    plan = plans.bundled()
    plan = plan.model_copy(update={"parameters": {"span": Parameter(type="int")}})
    with pytest.raises(errors.ConfigError, match=r"schedule\.parameters\.span: has no default"):
        argo.write(plan, Schedule(cron="0 6 * * *"))
