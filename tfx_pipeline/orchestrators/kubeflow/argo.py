"""Writes a plan as an Argo Workflow, and as a CronWorkflow if there is a schedule."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from tfx_pipeline import errors
from tfx_pipeline.config.kubeflow import Schedule, Secret, Step, Toleration, Volume
from tfx_pipeline.orchestrators.kubeflow import argo_workers
from tfx_pipeline.orchestrators.kubeflow.plan import RUN_ID, STATUS, Plan, PlannedStep, Value

API = "argoproj.io/v1alpha1"
ENTRYPOINT, ON_EXIT = "nodes", "on-exit"
# The workflow's uid is unique, and `argo retry` keeps it.
_VALUES = {RUN_ID: "{{workflow.uid}}", STATUS: "{{workflow.status}}"}
# Wrong usage (2) and a gate that refused (3) would fail again.
_WORTH_A_RETRY = "!(asInt(lastRetry.exitCode) in [2, 3])"

Document = dict[str, Any]


def write(plan: Plan, schedule: Schedule | None) -> str:
    """The Workflow as YAML, followed by the CronWorkflow.

    Raises:
      ConfigError: the schedule lacks a parameter that has no default.
    """
    documents = [workflow(plan)]
    if schedule is not None:
        documents.append(cron_workflow(plan, schedule))
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 1_000_000  # arguments are long, and must stay on one line
    yaml.dump_all(documents, stream)
    return stream.getvalue()


def workflow(plan: Plan) -> Document:
    """One run; Argo adds a random ending to the name."""
    metadata = {"generateName": f"{plan.name}-", **_annotations(plan)}
    parameters = {name: p.default for name, p in plan.parameters.items()}
    spec = _spec(plan, parameters)
    return {"apiVersion": API, "kind": "Workflow", "metadata": metadata, "spec": spec}


def cron_workflow(plan: Plan, schedule: Schedule) -> Document:
    """A run at each time of the schedule."""
    parameters = {n: schedule.parameters.get(n, p.default) for n, p in plan.parameters.items()}
    absent = [name for name, value in parameters.items() if value is None]
    if absent:
        problem = "has no default and must be given"
        where = "kubeflow.schedule.parameters"
        raise errors.ConfigError([errors.Problem(f"{where}.{n}", problem) for n in absent])
    spec = {
        "schedules": [schedule.cron],
        "timezone": "Etc/UTC",
        "concurrencyPolicy": "Forbid" if schedule.max_concurrency == 1 else "Allow",
        "suspend": not schedule.enabled,
        "workflowSpec": _spec(plan, parameters),
    }
    metadata = {"name": plan.name, **_annotations(plan)}
    return {"apiVersion": API, "kind": "CronWorkflow", "metadata": metadata, "spec": spec}


def _annotations(plan: Plan) -> Document:
    if not plan.description:
        return {}
    return {"annotations": {"workflows.argoproj.io/description": plan.description}}


def _spec(plan: Plan, parameters: dict[str, Any]) -> Document:
    templates = [_dag(plan), *(t for step in plan.steps for t in _templates(step, plan))]
    last = []
    if plan.report_step:
        last.append(_template(plan.report_step, plan))
    if plan.exit_step:
        container = _without_empty(_container(plan.exit_step))
        last.append({"name": plan.exit_step.name, "container": container})
    return _without_empty(
        {
            "entrypoint": ENTRYPOINT,
            "onExit": ON_EXIT if last else None,
            "serviceAccountName": plan.service_account,
            "imagePullSecrets": [{"name": name} for name in plan.image_pull_secrets],
            "arguments": {
                "parameters": [
                    {"name": name} if value is None else {"name": name, "value": str(value)}
                    for name, value in parameters.items()
                ]
            },
            "volumes": [*_claims(plan), *map(_secret_volume, _mounted(plan))],
            "templates": [*templates, *last, *([_on_exit(plan)] if last else [])],
        }
    )


def _dag(plan: Plan) -> Document:
    tasks = [
        _without_empty(
            {"name": step.name, "template": step.name, "dependencies": list(step.upstream)}
        )
        for step in plan.steps
    ]
    return {"name": ENTRYPOINT, "dag": {"tasks": tasks}}


def _on_exit(plan: Plan) -> Document:
    """The report, then the user's exit handler. The report never changes the run's state."""
    groups = []
    if plan.report_step:
        name, go_on = plan.report_step.name, {"failed": True, "error": True}
        groups.append([{"name": name, "template": name, "continueOn": go_on}])
    if plan.exit_step:
        groups.append([{"name": plan.exit_step.name, "template": plan.exit_step.name}])
    return {"name": ON_EXIT, "steps": groups}


def _templates(step: PlannedStep, plan: Plan) -> list[Document]:
    """A container, or a chief and its workers in pods of their own."""
    if step.workers == 1:
        return [_template(step, plan)]
    return argo_workers.templates(_template(step, plan), step.workers)


def _template(step: PlannedStep, plan: Plan) -> Document:
    wanted = step.resources
    container = {
        **_container(step),
        "imagePullPolicy": plan.image_pull_policy,
        "env": [{"name": n, "value": v} for n, v in plan.env.items()]
        + [variable for secret in plan.secrets for variable in _variables(secret)],
        "volumeMounts": [*map(_volume_mount, plan.volumes), *map(_secret_mount, _mounted(plan))],
        "resources": _resources(wanted),
    }
    return _without_empty(
        {
            "name": step.name,
            "container": _without_empty(container),
            "nodeSelector": dict(wanted.node_selector or {}),
            "tolerations": [_toleration(t) for t in wanted.tolerations or ()],
            "activeDeadlineSeconds": step.timeout,
            "retryStrategy": _retries(step),
        }
    )


def _container(step: PlannedStep) -> Document:
    return {
        "image": step.image,
        "command": list(step.command),
        "args": ["".join(map(_text, argument)) for argument in step.arguments],
    }


def _text(piece: str | Value) -> str:
    if isinstance(piece, str):
        return piece
    return _VALUES.get(piece.value, f"{{{{workflow.parameters.{piece.value}}}}}")


def _retries(step: PlannedStep) -> Document | None:
    if step.retries is None:
        return None
    return {
        "limit": step.retries.count,
        "retryPolicy": "Always",
        "expression": _WORTH_A_RETRY,
        "backoff": {
            "duration": f"{step.retries.backoff}s",
            "factor": step.retries.factor,
            "maxDuration": f"{step.retries.max_duration}s",
        },
    }


def _resources(wanted: Step) -> Document:
    result: Document = {"requests": {}, "limits": {}}
    for kind in ("cpu", "memory"):
        amount = getattr(wanted, kind)
        if amount and amount.request:
            result["requests"][kind] = amount.request
        if amount and amount.limit:
            result["limits"][kind] = amount.limit
    if wanted.gpu:
        result["limits"][wanted.gpu.type] = str(wanted.gpu.count)
    return _without_empty(result)


def _toleration(toleration: Toleration) -> Document:
    document: Document = toleration.model_dump(exclude_none=True)
    if "seconds" in document:
        document["tolerationSeconds"] = document.pop("seconds")
    return document


def _variables(secret: Secret) -> list[Document]:
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": key}}}
        for name, key in secret.env.items()
    ]


def _mounted(plan: Plan) -> list[Secret]:
    return [secret for secret in plan.secrets if secret.mount_path]


def _volume_name(kind: str, name: str) -> str:
    return f"{kind}-{name.replace('.', '-')}"[:63].rstrip("-")


def _claims(plan: Plan) -> list[Document]:
    """One volume for each claim, however often it is mounted."""
    return [
        {"name": _volume_name("claim", name), "persistentVolumeClaim": {"claimName": name}}
        for name in dict.fromkeys(volume.claim for volume in plan.volumes)
    ]


def _volume_mount(volume: Volume) -> Document:
    mount = {"name": _volume_name("claim", volume.claim), "mountPath": volume.mount_path}
    return {**mount, "subPath": volume.sub_path} if volume.sub_path else mount


def _secret_volume(secret: Secret) -> Document:
    return {"name": _volume_name("secret", secret.name), "secret": {"secretName": secret.name}}


def _secret_mount(secret: Secret) -> Document:
    name = _volume_name("secret", secret.name)
    return {"name": name, "mountPath": secret.mount_path, "readOnly": True}


def _without_empty(document: Document) -> Document:
    return {key: value for key, value in document.items() if value not in (None, [], {}, "")}
