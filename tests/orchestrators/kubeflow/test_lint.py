"""The lint of the backend's rules must catch what the backend would refuse."""

from __future__ import annotations

import copy

import pytest

from tests.orchestrators.kubeflow import lint
from tests.orchestrators.kubeflow.conftest import executors, tasks


def undeclared_input(spec, platform):
    tasks(spec)["trainer"]["inputs"]["parameters"]["epochs"] = {"runtimeValue": {"constant": 1}}


def input_nobody_gives(spec, platform):
    del tasks(spec)["trainer"]["inputs"]["parameters"]["steps"]


def input_of_another_dag(spec, platform):
    tasks(spec)["trainer"]["inputs"]["parameters"]["steps"] = {"componentInputParameter": "stepz"}


def cycle(spec, platform):
    tasks(spec)["example-gen"]["dependentTasks"] = ["pusher"]


def unknown_upstream(spec, platform):
    tasks(spec)["trainer"]["dependentTasks"].append("tuner")


def upper_case_name(spec, platform):
    tasks(spec)["Trainer"] = tasks(spec).pop("trainer")


def unknown_component(spec, platform):
    tasks(spec)["trainer"]["componentRef"]["name"] = "comp-tuner"


def argument_too_long(spec, platform):
    container = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]
    container["args"][1] = "data:" + "A" * lint.ARGUMENT_LIMIT


def many_long_arguments(spec, platform):
    for executor in spec["deploymentSpec"]["executors"].values():
        executor["container"]["args"][1] = "data:" + "A" * 100_000


def dotted_parameter(spec, platform):
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    parameters["training.steps"] = parameters.pop("steps")
    reader = tasks(spec)["trainer"]["inputs"]["parameters"]
    reader["steps"] = {"componentInputParameter": "training.steps"}


def placeholder_inside_a_constant(spec, platform):
    value = tasks(spec)["trainer"]["inputs"]["parameters"]["pipeline_run_id"]
    value["runtimeValue"]["constant"] = "run-{{$.pipeline_job_uuid}}"


def placeholder_in_an_argument(spec, platform):
    container = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]
    container["args"][5] = "{{$.pipeline_job_uuid}}"


def undeclared_input_read(spec, platform):
    container = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]
    container["args"].append("{{$.inputs.parameters['momentum']}}")


def no_command(spec, platform):
    del spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]["command"]


def undeclared_output(spec, platform):
    del spec["components"]["comp-run-report"]["outputDefinitions"]


def wrong_default(spec, platform):
    spec["root"]["inputDefinitions"]["parameters"]["steps"]["defaultValue"] = "many"


def kubeflows_cache(spec, platform):
    tasks(spec)["trainer"]["cachingOptions"] = {"enableCache": True}


def fractional_back_off(spec, platform):
    tasks(spec)["trainer"]["retryPolicy"]["backoffFactor"] = 1.5


def old_schema(spec, platform):
    spec["schemaVersion"] = "2.0.0"


def unknown_executor(spec, platform):
    executors(platform)["exec-tuner"] = {"imagePullPolicy": "Always"}


def secret_without_key(spec, platform):
    executors(platform)["exec-trainer"]["secretAsEnv"][0]["keyToEnv"] = []


def secret_mounted_twice(spec, platform):
    mount = {"secretName": "s", "mountPath": "/a"}
    executors(platform)["exec-trainer"]["secretAsVolume"] = [mount, {**mount, "mountPath": "/b"}]


def claim_mounted_twice(spec, platform):
    claim = {"constant": "data", "mountPath": "/a"}
    executors(platform)["exec-trainer"]["pvcMount"] = [claim, {**claim, "mountPath": "/b"}]


def claim_with_a_dot(spec, platform):
    claim = {"constant": "data.v1", "mountPath": "/a"}
    executors(platform)["exec-trainer"]["pvcMount"] = [claim]


MUTANTS = {
    undeclared_input: "gives the undeclared input 'epochs'",
    input_nobody_gives: "does not give the input 'steps'",
    input_of_another_dag: "reads 'stepz', which its DAG does not have",
    cycle: "wait for each other",
    unknown_upstream: "waits for tuner",
    upper_case_name: "'Trainer' is none",
    unknown_component: "no component 'comp-tuner'",
    argument_too_long: "too long for Linux",
    many_long_arguments: "more than a workflow may",
    dotted_parameter: "'training.steps' is none",
    placeholder_inside_a_constant: "the driver does not replace",
    placeholder_in_an_argument: "nobody replaces",
    undeclared_input_read: "reads the undeclared input 'momentum'",
    undeclared_output: "writes the undeclared output 'report'",
    no_command: "has no command",
    wrong_default: "the default of steps",
    kubeflows_cache: "cache is on",
    fractional_back_off: "whole factors",
    old_schema: "schemaVersion is 2.0.0",
    unknown_executor: "an executor that is not there",
    secret_without_key: "key is not given",
    secret_mounted_twice: "two volumes get the same name",
    claim_mounted_twice: "two volumes get the same name",
    claim_with_a_dot: "a name with a dot",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_lint_catches_a_mutant(mutant, spec, platform):
    spec, platform = copy.deepcopy(spec), copy.deepcopy(platform)
    mutant(spec, platform)
    assert any(MUTANTS[mutant] in problem for problem in lint.problems(spec, platform))
