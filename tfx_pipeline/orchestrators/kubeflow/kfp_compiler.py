"""Writes a plan as a Kubeflow pipeline with the kfp DSL: JSON on stdin, YAML to a file.

This file runs in an environment that has kfp and need not have this project: kfp and
TFX usually need different versions of protobuf. So it imports nothing but kfp, and is
run by its path.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from kfp import compiler, dsl

Document = dict[str, Any]

RUN_ID, STATUS = "pipeline_run_id", "final_status"
REPORT_COPY = "report"
LAST_STEPS = "last-steps"
TYPES = {"int": int, "float": float, "string": str}


def write(plan: Document, target: str) -> None:
    """Compiles the plan into the file `target`."""
    parameters = {name: TYPES[p["type"]] for name, p in plan["parameters"].items()}

    def pipeline(*values: Any) -> None:
        given = dict(zip(ordered, values))
        if last is None:
            add_steps(plan, given)
            return
        with dsl.ExitHandler(last(), name="nodes"):
            add_steps(plan, given)

    last = last_task(plan)
    defaults = {name: p["default"] for name, p in plan["parameters"].items()}
    ordered = sign(pipeline, plan["name"], parameters, defaults)
    made = dsl.pipeline(name=plan["name"], description=plan["description"] or None)(pipeline)
    compiler.Compiler().compile(made, target)


def sign(
    function: Callable[..., Any],
    name: str,
    types: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> list[str]:
    """Gives a function the name and the signature that kfp reads.

    Returns:
      The arguments in the order in which kfp passes them: those without a default first.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    absent = dict.fromkeys(types, inspect.Parameter.empty)
    absent.update({k: v for k, v in (defaults or {}).items() if v is not None})
    ordered = sorted(types, key=lambda key: absent[key] is not inspect.Parameter.empty)
    function.__name__ = name.replace("-", "_")
    function.__annotations__ = {key: types[key] for key in ordered}
    signature = inspect.Signature(
        [inspect.Parameter(k, kind, default=absent[k], annotation=types[k]) for k in ordered]
    )
    vars(function)["__signature__"] = signature
    return ordered


def component(step: Document, types: Mapping[str, Any]) -> Any:
    """A container component with inputs of these types, or outputs."""

    def build(*values: Any) -> dsl.ContainerSpec:
        inputs = dict(zip(ordered, values))
        # kfp's placeholders replace the values that are known at run time.
        arguments = [
            "".join(p if isinstance(p, str) else text(inputs[p["value"]]) for p in pieces)
            for pieces in step["arguments"]
        ]
        return dsl.ContainerSpec(image=step["image"], command=step["command"], args=arguments)

    ordered = sign(build, step["name"], types)
    return dsl.container_component(build)


def text(value: Any) -> str:
    """The placeholder of a parameter's value, or of an artifact's path."""
    return f"{getattr(value, 'path', value)}"


def add_steps(plan: Document, given: Mapping[str, Any]) -> None:
    """Adds a task for each step; `given` holds the pipeline's parameters."""
    tasks: dict[str, Any] = {}
    for step in plan["steps"]:
        types = {RUN_ID: str}
        types.update({n: TYPES[plan["parameters"][n]["type"]] for n in step["parameters"]})
        values = {name: given[name] for name in step["parameters"]}
        task = component(step, types)(**{RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER}, **values)
        for name in step["upstream"]:
            task.after(tasks[name])
        configure(task, step, plan)
        tasks[step["name"]] = task


def last_task(plan: Document) -> Callable[[], Any] | None:
    """What adds the task that runs after all others; None if there is none.

    kfp accepts one exit task, and no exit handler inside another. That task may be a
    pipeline: so two steps, the report and the user's own, become one.
    """
    own, report = plan["exit_step"], plan["report_step"]
    if own is None:
        return None if report is None else lambda: report_task(plan)
    types = {STATUS: dsl.PipelineTaskFinalStatus} if STATUS in values_of(own) else {}
    if report is None:
        return lambda: own_exit_task(own, types)

    def both(*values: Any) -> None:
        report_task(plan)
        # To a task inside of a pipeline, kfp passes the status as a dict.
        own_exit_task(own, dict.fromkeys(types, dict), dict(zip(types, values)))

    sign(both, LAST_STEPS, types)
    made = dsl.pipeline(name=LAST_STEPS)(both)  # kfp refuses this while it reads a pipeline
    return lambda: made().set_caching_options(False)


def report_task(plan: Document) -> Any:
    """The task that writes the report, also as an artifact that Kubeflow's pages show."""
    step = plan["report_step"]
    # A failed exit task would fail the run.
    arguments = [*step["arguments"], ["--optional"], ["--copy"], [{"value": REPORT_COPY}]]
    types = {RUN_ID: str, REPORT_COPY: dsl.Output[dsl.HTML]}
    task = component({**step, "arguments": arguments}, types)(
        **{RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER}
    )
    configure(task, step, plan)
    return task


def own_exit_task(
    step: Document, types: Mapping[str, Any], given: Mapping[str, Any] | None = None
) -> Any:
    """The task of the user's exit handler, with the values that its arguments use.

    Args:
      types: the status' type, if it is used.
      given: the status, where kfp does not pass it by itself.
    """
    values = {RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER} if RUN_ID in values_of(step) else {}
    task = component(step, {**dict.fromkeys(values, str), **types})(**values, **(given or {}))
    task.set_caching_options(False)
    return task


def values_of(step: Document) -> set[str]:
    """The names of the values in a step's arguments that are known at run time."""
    return {piece["value"] for a in step["arguments"] for piece in a if not isinstance(piece, str)}


def configure(task: Any, step: Document, plan: Document) -> None:
    """Sets resources, retries, variables and Kubernetes' options of a task."""
    task.set_caching_options(False)  # TFX's own cache also depends on the code
    resources = step["resources"]
    for kind in ("cpu", "memory"):
        for bound in ("request", "limit"):
            wanted = (resources[kind] or {}).get(bound)
            if wanted:
                getattr(task, f"set_{kind}_{bound}")(wanted)
    if resources["gpu"]:
        task.set_accelerator_type(resources["gpu"]["type"])
        task.set_accelerator_limit(resources["gpu"]["count"])
    if step["retries"]:
        task.set_retry(
            step["retries"]["count"],
            backoff_duration=f"{step['retries']['backoff']}s",
            backoff_factor=step["retries"]["factor"],
            backoff_max_duration=f"{step['retries']['max_duration']}s",
        )
    for name, value in plan["env"].items():
        task.set_env_variable(name, value)
    config = kubernetes(step, plan)
    if config:
        task.platform_config["kubernetes"] = config


def kubernetes(step: Document, plan: Document) -> Document:
    """The KubernetesExecutorConfig, as kfp-kubernetes writes it.

    It uses the deprecated constants, because backends of all versions accept them.
    """
    resources = step["resources"]
    config = {
        "secretAsEnv": [secret_as_env(s) for s in plan["secrets"] if s["env"]],
        "secretAsVolume": [
            {"secretName": s["name"], "mountPath": s["mount_path"]}
            for s in plan["secrets"]
            if s["mount_path"]
        ],
        "pvcMount": [claim(volume) for volume in plan["volumes"]],
        "nodeSelector": {"labels": resources["node_selector"]}
        if resources["node_selector"]
        else {},
        "tolerations": [toleration(t) for t in resources["tolerations"] or []],
        "imagePullPolicy": plan["image_pull_policy"],
        "imagePullSecret": [{"secretName": name} for name in plan["image_pull_secrets"]],
        "activeDeadlineSeconds": str(step["timeout"]) if step["timeout"] else None,
    }
    return {key: value for key, value in config.items() if value}


def secret_as_env(secret: Document) -> Document:
    """The variables of one secret."""
    pairs = [{"secretKey": key, "envVar": name} for name, key in secret["env"].items()]
    return {"secretName": secret["name"], "keyToEnv": pairs}


def claim(volume: Document) -> Document:
    """One mount of a persistent volume claim."""
    mount = {"constant": volume["claim"], "mountPath": volume["mount_path"]}
    return {**mount, "subPath": volume["sub_path"]} if volume["sub_path"] else mount


def toleration(values: Document) -> Document:
    """One toleration, with Kubernetes' name for its seconds."""
    document = {key: value for key, value in values.items() if value is not None}
    if "seconds" in document:
        document["tolerationSeconds"] = str(document.pop("seconds"))
    return document


if __name__ == "__main__":
    write(json.load(sys.stdin), sys.argv[1])
