"""The Kubeflow pipeline. Refresh the golden file: pytest tests/kubeflow --golden"""

from __future__ import annotations

import re

import pytest

from tests.orchestrators.kubeflow import lint, plans
from tests.orchestrators.kubeflow.conftest import executors, load_all, root_tasks, tasks, write_kfp
from tfx_pipeline.ir.manifest import Parameter


def test_it_is_the_golden_one(bundled_kfp, golden):
    golden(plans.GOLDEN / "kubeflow.yaml", bundled_kfp)


def test_equal_plans_give_equal_bytes(bundled_kfp, tmp_path):
    assert write_kfp(plans.bundled(), tmp_path) == bundled_kfp


@pytest.mark.parametrize("which", ["bundled_kfp", "everything_kfp"])
def test_the_newest_kfp_takes_it_strictly(which, in_kfp, request):
    seen = in_kfp("strict_kfp.py", request.getfixturevalue(which))
    assert tuple(map(int, seen["kfp"].split(".")[:2])) >= (2, 16)
    assert seen["name"] == "chicago-taxi"
    assert seen["inputs"] == {
        "batch_size": "Integer",
        "data_path": "String",
        "learning_rate": "Float",
        "steps": "Integer",
    }
    assert len(seen["platform"]) == 13


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        ("schemaVersion: 2.1.0", "schemaVersion: 2.1.0\nresolver: {}"),
        ("activeDeadlineSeconds: '21600'", "activeDeadline: '21600'"),
        ("cachingOptions: {}", "cachingOptions: {enabled: false}"),
    ],
)
def test_the_strict_check_refuses_what_is_unknown(sound, broken, bundled_kfp, in_kfp):
    assert sound in bundled_kfp
    with pytest.raises(ValueError, match="has no field named"):
        in_kfp("strict_kfp.py", bundled_kfp.replace(sound, broken, 1))


@pytest.mark.parametrize("which", ["bundled_kfp", "everything_kfp"])
def test_the_backend_would_take_it(which, request):
    assert lint.problems(*load_all(request.getfixturevalue(which))) == []


def test_edges_are_those_of_the_ir(spec):
    names = {step.node: step.name for step in plans.bundled().steps}
    wanted = {names[n.id]: {names[u] for u in n.upstream} for n in plans.manifest().nodes}
    assert {name: set(t.get("dependentTasks", [])) for name, t in tasks(spec).items()} == wanted


def test_each_node_runs_the_node_command(spec):
    for step in plans.bundled().steps:
        container = spec["deploymentSpec"]["executors"][f"exec-{step.name}"]["container"]
        assert container["image"] == plans.IMAGE
        assert container["command"] == ["python", "-m", "tfx_pipeline.node"]
        run_id = "{{$.inputs.parameters['pipeline_run_id']}}"
        wanted = ["--pipeline", plans.SOURCE, "--node", step.node, "--run-id", run_id]
        assert container["args"][:6] == wanted


def test_the_report_is_written_whatever_became_of_the_others(spec, platform):
    task = root_tasks(spec)["run-report"]
    assert task["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert task["dependentTasks"] == ["exit-handler-1"]
    output = spec["components"]["comp-run-report"]["outputDefinitions"]["artifacts"]["report"]
    assert output["artifactType"]["schemaTitle"] == "system.HTML"
    container = spec["deploymentSpec"]["executors"]["exec-run-report"]["container"]
    assert container["command"] == ["python", "-m", "tfx_pipeline.report"]
    run_id, path = "inputs.parameters['pipeline_run_id']", "outputs.artifacts['report'].path"
    assert container["args"] == [
        "--pipeline", plans.SOURCE, "--run-id", f"{{{{$.{run_id}}}}}",
        "--optional", "--copy", f"{{{{$.{path}}}}}",
    ]  # fmt: skip
    nodes = executors(platform)["exec-example-gen"]
    assert executors(platform)["exec-run-report"]["secretAsEnv"] == nodes["secretAsEnv"]


def test_without_a_report_there_is_no_exit_task(tmp_path):
    plan = plans.bundled().model_copy(update={"report_step": None})
    spec = load_all(write_kfp(plan, tmp_path))[0]
    assert set(root_tasks(spec)) == {step.name for step in plan.steps}


def test_the_report_and_the_exit_handler_of_the_configuration_are_one_last_pipeline(everything_kfp):
    spec, platform = load_all(everything_kfp)
    assert set(root_tasks(spec)) == {"exit-handler-1", "last-steps"}
    last = root_tasks(spec)["last-steps"]
    assert last["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert last["dependentTasks"] == ["exit-handler-1"]
    inner = spec["components"]["comp-last-steps"]["dag"]["tasks"]
    assert set(inner) == {"exit-handler", "run-report"}
    # If one fails, the other one is executed all the same.
    assert all("dependentTasks" not in task for task in inner.values())
    assert executors(platform)["exec-run-report"]["activeDeadlineSeconds"] == "7200"
    assert "exec-exit-handler" not in executors(platform)


def test_the_exit_handler_gets_the_status_of_all_nodes(everything_kfp):
    spec = load_all(everything_kfp)[0]
    given = root_tasks(spec)["last-steps"]["inputs"]["parameters"]["final_status"]
    assert given == {"taskFinalStatus": {"producerTask": "exit-handler-1"}}
    inner = spec["components"]["comp-last-steps"]["dag"]["tasks"]["exit-handler"]
    assert inner["inputs"]["parameters"] == {
        "final_status": {"componentInputParameter": "final_status"},
        "pipeline_run_id": {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}},
    }


def test_an_exit_handler_needs_neither_run_nor_status(tmp_path):
    handler = plans.everything().exit_step.model_copy(update={"arguments": (("--done",),)})
    plan = plans.bundled().model_copy(update={"exit_step": handler})
    spec = load_all(write_kfp(plan, tmp_path))[0]
    assert "inputs" not in root_tasks(spec)["last-steps"]
    assert spec["deploymentSpec"]["executors"]["exec-exit-handler"]["container"]["args"] == [
        "--done"
    ]


def test_the_run_id_is_kubeflows_own(spec):
    for task in [*tasks(spec).values(), root_tasks(spec)["run-report"]]:
        value = task["inputs"]["parameters"]["pipeline_run_id"]["runtimeValue"]["constant"]
        assert value == "{{$.pipeline_job_uuid}}"


def test_parameters_are_typed_and_reach_the_nodes_that_read_them(spec):
    declared = spec["root"]["inputDefinitions"]["parameters"]
    kinds = {name: p["parameterType"] for name, p in declared.items()}
    assert kinds["steps"] == "NUMBER_INTEGER"
    assert kinds["learning_rate"] == "NUMBER_DOUBLE"
    assert declared["steps"]["defaultValue"] == 1000
    readers = {name for name, t in tasks(spec).items() if "steps" in t["inputs"]["parameters"]}
    assert readers == {"trainer"}
    arguments = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]["args"]
    assert "steps={{$.inputs.parameters['steps']}}" in arguments


def test_each_parameter_gets_its_own_value_whichever_have_defaults(tmp_path):
    plan = plans.with_parameters(
        batch_size=Parameter(type="int", default=32),
        count=Parameter(type="int"),
        label=Parameter(type="string", default=""),
        rate=Parameter(type="float"),
        share=Parameter(type="float", default=0.0),
        zero=Parameter(type="int", default=0),
    )
    spec = load_all(write_kfp(plan, tmp_path))[0]
    given = tasks(spec)["first"]["inputs"]["parameters"]
    assert given.pop("pipeline_run_id")
    outer = {name: f"pipelinechannel--{name}" for name in plan.parameters}
    assert given == {name: {"componentInputParameter": outer[name]} for name in outer}
    passed = root_tasks(spec)["exit-handler-1"]["inputs"]["parameters"]
    assert passed == {outer[name]: {"componentInputParameter": name} for name in outer}
    arguments = spec["deploymentSpec"]["executors"]["exec-first"]["container"]["args"]
    wanted = [f"{name}={{{{$.inputs.parameters['{name}']}}}}" for name in plan.parameters]
    assert [argument for argument in arguments if "=" in argument] == wanted
    declared = spec["root"]["inputDefinitions"]["parameters"]
    defaults = {name: p["defaultValue"] for name, p in declared.items() if "defaultValue" in p}
    assert defaults == {"batch_size": 32, "label": "", "share": 0.0, "zero": 0}


def test_every_key_of_the_section_arrives(everything_kfp):
    spec, platform = load_all(everything_kfp)
    trainer = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]
    assert trainer["resources"]["accelerator"]["resourceCount"] == "2"
    assert trainer["resources"]["resourceMemoryLimit"] == "16Gi"
    assert trainer["resources"]["resourceCpuRequest"] == "500m"
    assert trainer["env"] == [{"name": "AWS_ENDPOINT_URL", "value": "http://minio:9000"}]
    config = executors(platform)["exec-trainer"]
    assert config["nodeSelector"] == {"labels": {"pool": "gpu"}}
    assert config["activeDeadlineSeconds"] == "7200"
    assert config["imagePullPolicy"] == "Always"
    assert config["imagePullSecret"] == [{"secretName": "registry"}]
    assert [mount["mountPath"] for mount in config["pvcMount"]] == ["/data", "/models"]
    assert config["secretAsVolume"][0]["mountPath"] == "/secrets/gcs"
    assert config["tolerations"][0] == {
        "key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": "60",
    }  # fmt: skip
    inner = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]["trainer"]
    assert inner["retryPolicy"]["maxRetryCount"] == 3
    assert inner["retryPolicy"]["backoffMaxDuration"] == "86400s"


def test_without_a_report_the_exit_handler_is_the_last_task(tmp_path):
    plan = plans.everything().model_copy(update={"report_step": None})
    spec = load_all(write_kfp(plan, tmp_path))[0]
    handler = root_tasks(spec)["exit-handler"]
    assert handler["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    arguments = spec["deploymentSpec"]["executors"]["exec-exit-handler"]["container"]["args"]
    assert arguments[1] == (
        '{"run": "{{$.inputs.parameters[\'pipeline_run_id\']}}", '
        "\"status\": {{$.inputs.parameters['final_status']}}}"
    )


def test_secrets_are_named_and_never_held(everything_kfp, monkeypatch, tmp_path):
    monkeypatch.setenv("TFX_PIPELINE_METADATA_PASSWORD", "hunter2")
    text = write_kfp(plans.everything(), tmp_path)
    assert text == everything_kfp
    assert "hunter2" not in text
    assert not re.search(r"password: *\S|:[^/@\s]+@", text)
