"""The rules by which Kubeflow's backend and Argo refuse a pipeline, as a lint.

kfp's compiler writes some things that the backend refuses only when it runs them;
these rules say what a cluster would. `problems` returns sentences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

ARGUMENT_LIMIT = 128 * 1024
WORKFLOW_LIMIT = 1024 * 1024

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PARAMETER = re.compile(r"(pipelinechannel--)?[A-Za-z_][A-Za-z0-9_-]*")
_INPUT = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")
_OUTPUT = re.compile(r"\{\{\$\.outputs\.artifacts\['([^']+)'\]\.path\}\}")
# Those the driver replaces, when they are all of a constant.
_CONSTANTS = {"{{$.pipeline_job_uuid}}", "{{$.pipeline_job_name}}", "{{$.pipeline_task_name}}"}
_TYPES = {"STRING": str, "NUMBER_INTEGER": (int, float), "NUMBER_DOUBLE": (int, float)}

Document = dict[str, Any]


def problems(spec: Document, platform: Document | None = None) -> list[str]:
    """Everything the backend would refuse."""
    found = [*_head(spec), *_components(spec), *_containers(spec), *_dags(spec)]
    found += _platform(spec, platform or {})
    return sorted(set(found))


def dags(spec: Document) -> Iterator[tuple[str, Document]]:
    """Pairs of a name and a component that is a DAG; the first is the root."""
    yield "root", spec["root"]
    for name, component in spec.get("components", {}).items():
        if "dag" in component:
            yield name, component


def _head(spec: Document) -> Iterator[str]:
    if spec.get("schemaVersion") != "2.1.0":
        yield f"schemaVersion is {spec.get('schemaVersion')}"
    if not str(spec.get("sdkVersion", "")).startswith("kfp-2."):
        yield f"sdkVersion is {spec.get('sdkVersion')}"
    if not _NAME.fullmatch(spec["pipelineInfo"]["name"]):
        yield f"the pipeline's name {spec['pipelineInfo']['name']!r} is none"


def _components(spec: Document) -> Iterator[str]:
    for where, component in [("root", spec["root"]), *spec["components"].items()]:
        if not _NAME.fullmatch(where):
            yield f"{where}: the component's name is none that Argo takes"
        if "dag" not in component and component.get("executorLabel") not in _executors(spec):
            yield f"{where}: there is no executor {component.get('executorLabel')!r}"
        for name, declared in _inputs(component).items():
            if not _PARAMETER.fullmatch(name):
                yield f"{where}: the parameter's name {name!r} is none"
            default, kind = declared.get("defaultValue"), declared["parameterType"]
            if default is not None and not isinstance(default, _TYPES.get(kind, object)):
                yield f"{where}: the default of {name} is no {kind}"


def _containers(spec: Document) -> Iterator[str]:
    used = {c["executorLabel"]: c for c in spec["components"].values() if "executorLabel" in c}
    total = 0
    for label, executor in _executors(spec).items():
        container = executor["container"]
        size = len(json.dumps(container))
        total += size
        if size > ARGUMENT_LIMIT:
            yield f"{label}: its container takes {size} bytes in one argument of the driver"
        if not container.get("command"):
            yield f"{label}: has no command; the launcher cannot wrap an image's entry point"
        variables = [variable["name"] for variable in container.get("env", [])]
        if len(variables) != len(set(variables)):
            yield f"{label}: an environment variable is set twice"
        for argument in [*container.get("command", []), *container.get("args", [])]:
            yield from _argument(label, argument, used.get(label, {}))
    if total > WORKFLOW_LIMIT:
        yield f"the containers take {total} bytes, more than a workflow may"


def _argument(label: str, argument: Any, component: Document) -> Iterator[str]:
    if not isinstance(argument, str):
        yield f"{label}: an argument is no text: {argument!r}"
        return
    if len(argument.encode()) >= ARGUMENT_LIMIT:
        yield f"{label}: an argument is too long for Linux"
    for name in _INPUT.findall(argument):
        if name not in _inputs(component):
            yield f"{label}: an argument reads the undeclared input {name!r}"
    for name in _OUTPUT.findall(argument):
        if name not in component.get("outputDefinitions", {}).get("artifacts", {}):
            yield f"{label}: an argument writes the undeclared output {name!r}"
    if "{{" in _OUTPUT.sub("", _INPUT.sub("", argument)):
        yield f"{label}: an argument holds a placeholder that nobody replaces"


def _dags(spec: Document) -> Iterator[str]:
    for where, component in dags(spec):
        tasks = component["dag"]["tasks"]
        for name, task in tasks.items():
            if not _NAME.fullmatch(name):
                yield f"{where}: the task's name {name!r} is none that Argo takes"
            for upstream in task.get("dependentTasks", []):
                if upstream not in tasks:
                    yield f"{where}: {name} waits for {upstream}, which is not in its DAG"
            yield from _task(spec, f"{where}: {name}", task, component)
        if _has_cycle({n: t.get("dependentTasks", []) for n, t in tasks.items()}):
            yield f"{where}: its tasks wait for each other"


def _task(spec: Document, where: str, task: Document, parent: Document) -> Iterator[str]:
    component = spec["components"].get(task["componentRef"]["name"])
    if component is None:
        yield f"{where}: there is no component {task['componentRef']['name']!r}"
        return
    given = task.get("inputs", {}).get("parameters", {})
    declared = _inputs(component)
    for name, value in given.items():
        if name not in declared:
            yield f"{where}: gives the undeclared input {name!r}"
        yield from _value(where, name, value, parent)
    for name, wanted in declared.items():
        if name not in given and not wanted.get("isOptional") and "defaultValue" not in wanted:
            yield f"{where}: does not give the input {name!r}"
    if "dag" not in component and task.get("cachingOptions", {}).get("enableCache"):
        yield f"{where}: Kubeflow's cache is on"
    factor = task.get("retryPolicy", {}).get("backoffFactor", 1)
    if factor != int(factor):
        yield f"{where}: Argo takes whole factors of back-off only, found {factor}"


def _value(where: str, name: str, value: Document, parent: Document) -> Iterator[str]:
    outer = value.get("componentInputParameter")
    if outer is not None and outer not in _inputs(parent):
        yield f"{where}: {name} reads {outer!r}, which its DAG does not have"
    constant = value.get("runtimeValue", {}).get("constant")
    if isinstance(constant, str) and "{{" in constant and constant not in _CONSTANTS:
        yield f"{where}: {name} holds a placeholder that the driver does not replace"


def _has_cycle(upstream: dict[str, list[str]]) -> bool:
    left = {name: set(others) & set(upstream) for name, others in upstream.items()}
    while left:
        ready = [name for name, others in left.items() if not others]
        if not ready:
            return True
        left = {n: others - set(ready) for n, others in left.items() if n not in ready}
    return False


def _platform(spec: Document, platform: Document) -> Iterator[str]:
    kubernetes = platform.get("platforms", {}).get("kubernetes", {})
    configs = kubernetes.get("deploymentSpec", {}).get("executors", {})
    for label, config in configs.items():
        if label not in _executors(spec):
            yield f"{label}: Kubernetes is told of an executor that is not there"
        mounted = [s["secretName"] for s in config.get("secretAsVolume", [])]
        mounted += [claim["constant"] for claim in config.get("pvcMount", [])]
        if len(mounted) != len(set(mounted)):
            yield f"{label}: two volumes get the same name, that of their secret or claim"
        if not all(map(_NAME.fullmatch, mounted)):
            yield f"{label}: a volume gets a name with a dot"
        for secret in config.get("secretAsEnv", []):
            if not secret.get("keyToEnv") or not all(
                k.get("secretKey") for k in secret["keyToEnv"]
            ):
                yield f"{label}: a secret's key is not given"


def _inputs(component: Document) -> Document:
    return component.get("inputDefinitions", {}).get("parameters", {})


def _executors(spec: Document) -> Document:
    return spec["deploymentSpec"]["executors"]
