"""Renders the DAG file from the manifest and the section `airflow:`."""

from __future__ import annotations

import pathlib
import re
import sys
from typing import Any

import jinja2

from tfx_pipeline import errors
from tfx_pipeline.config.airflow import Airflow, Pod
from tfx_pipeline.config.durations import to_timedelta
from tfx_pipeline.config.environment import DATA_PASSWORD, METADATA_PASSWORD
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.ir import manifest
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.airflow import python_source
from tfx_pipeline.orchestrators.airflow.python_source import Code, call
from tfx_pipeline.orchestrators.fork_client import library_path
from tfx_pipeline.storage.layout import is_remote
from tfx_pipeline.user_code.finder import project_folders

PASSED_VARIABLES = (
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    DATA_PASSWORD,
    METADATA_PASSWORD,
)
"""The worker's variables that are passed to nodes; `airflow.environment` adds more."""

Task = tuple[str, dict[str, Any]]
"""A node's id and the keyword arguments of its Airflow task."""

REPORT_TASK = "run_report"
"""The task that writes the report of the run."""

_TASK_ID = re.compile(r"[\w.-]{1,250}")
_JSON_TYPES = {"int": "integer", "float": "number", "string": "string"}
_GROUPS = {
    "data": "ExampleGen StatisticsGen SchemaGen ImportSchemaGen ExampleValidator DataGate",
    "training": "Transform Tuner Trainer",
    "release": "Resolver ExportCheck InfraValidator Evaluator Pusher",
}


def render(plan: Manifest, config: PipelineConfig, ir_name: str) -> str:
    """Returns the text of the DAG file.

    Args:
      plan: the compiled pipeline.
      config: where the project is, and the section `airflow:`.
      ir_name: the file name of the IR in the folder beside the DAG file.

    Raises:
      ConfigError: Airflow does not accept a node's name, `airflow.nodes` names an unknown
        node, or pods cannot reach `root`.
    """
    settings = config.airflow
    problems = _problems(plan, config)
    if problems:
        raise errors.ConfigError(problems)
    source = f"TFX {plan.tfx}, {len(plan.nodes)} nodes, compiled pipeline `{plan.ir_sha256[:12]}`."
    return (
        _environment()
        .get_template("dag.py.jinja")
        .render(
            name=plan.pipeline,
            settings=settings,
            ir=ir_name,
            folder=config.folder,
            python=sys.executable,
            pythonpath=[*project_folders(config.folder), *filter(None, [library_path()])],
            environment=sorted({*PASSED_VARIABLES, *settings.environment}),
            model_uri=_uri(plan.push_dir),
            watch_uri=_uri(settings.watch or ""),
            root=plan.root,
            root_folder=config.root.rstrip("/"),
            password_variable=METADATA_PASSWORD,
            callback=_split(settings.on_failure.callback),
            command=_command(plan.nodes[0]),
            report=" ".join(plan.report[1:]),
            report_task=REPORT_TASK,
            description=plan.description or f"The TFX pipeline {plan.pipeline}",
            doc_md="\n\n".join(filter(None, [plan.description, source])),
            parameters={name: _parameter(p) for name, p in plan.parameters.items()},
            default_args=_default_args(settings),
            groups=_groups(plan, settings),
            edges=[(node.id, node.upstream) for node in plan.nodes if node.upstream],
        )
    )


def _problems(plan: Manifest, config: PipelineConfig) -> list[errors.Problem]:
    settings = config.airflow
    problems = [
        errors.Problem(
            id_, "Airflow's task ids may contain letters, digits and . _ - only", "Rename the node"
        )
        for id_ in plan.node_ids
        if not _TASK_ID.fullmatch(id_)
    ]
    if plan.report and REPORT_TASK in plan.node_ids:
        message = "the task of the run's report has the same name"
        remedy = "Rename the node, or set report: false"
        problems.append(errors.Problem(REPORT_TASK, message, remedy))
    for name in settings.nodes:
        if name not in plan.node_ids:
            hint = errors.did_you_mean(name, plan.node_ids)
            where = f"airflow.nodes.{name}"
            problems.append(errors.Problem(where, "the pipeline has no such node", hint))
    if settings.pod and settings.pod.template is None and not is_remote(config.root):
        message = f"nodes in pods cannot reach {config.root} on this machine"
        remedy = "Set root to s3://BUCKET/PATH or the like, or give a pod.template that mounts it"
        problems.append(errors.Problem("airflow.pod", message, remedy))
    return problems


def _uri(path: str) -> str:
    return path if is_remote(path) else f"file://{path}"


def _split(dotted_path: str | None) -> tuple[str, str] | None:
    if dotted_path is None:
        return None
    module, _, name = dotted_path.rpartition(".")
    return module, name


def _command(node: manifest.Node) -> str:
    """The node command without the interpreter and with `{node}` for the node's name."""
    return " ".join("{node}" if part == node.id else part for part in node.command[1:])


def _parameter(parameter: manifest.Parameter) -> dict[str, Any]:
    kind = _JSON_TYPES[parameter.type]
    return {
        "default": parameter.default,
        # The trigger form makes None of an empty text, and refuses it unless it may be null.
        "type": ["null", kind] if parameter.default in (None, "") else kind,
        "description": f"read by {', '.join(parameter.nodes)}",
    }


def _default_args(settings: Airflow) -> dict[str, Any]:
    on_failure, timeout = settings.on_failure, settings.execution_timeout
    callbacks = [call("SmtpNotifier", to=on_failure.email)] if on_failure.email else []
    callbacks += [Code("on_failure")] if on_failure.callback else []
    values = {
        "owner": settings.owner,
        "retries": settings.retries,
        "retry_delay": to_timedelta(settings.retry_delay),
        "retry_exponential_backoff": settings.retry_exponential_backoff,
        "max_retry_delay": to_timedelta(settings.max_retry_delay),
        "execution_timeout": to_timedelta(timeout) if timeout else None,
        "pool": settings.pool,
        "queue": settings.queue,
        "on_failure_callback": callbacks or None,
        **(_pod(settings.pod) if settings.pod else {}),
    }
    return {key: value for key, value in values.items() if value is not None}


def _pod(pod: Pod) -> dict[str, Any]:
    """Arguments of KubernetesPodOperator, whose sidecar returns the node's result."""
    secrets = [
        call("Secret", "env", variable, secret.name, secret.key)
        for variable, secret in pod.secrets.items()
    ]
    return {
        "image": pod.image,
        "namespace": pod.namespace,
        "kubernetes_conn_id": pod.kubernetes_conn_id,
        "service_account_name": pod.service_account,
        "pod_template_file": pod.template,
        "secrets": secrets or None,
        "cmds": ["python"],
        "do_xcom_push": True,
    }


def _groups(plan: Manifest, settings: Airflow) -> list[tuple[str, list[Task]]]:
    """The nonempty groups by name ('' for none), each with its tasks."""
    groups: dict[str, list[Task]] = {name: [] for name in (*_GROUPS, "")}
    for node in plan.nodes:
        component = node.type.rpartition(".")[2]
        names = [name for name, members in _GROUPS.items() if component in members.split()]
        name = names[0] if names and settings.task_groups else ""
        groups[name].append((node.id, _task(node, settings)))
    return [(name, members) for name, members in groups.items() if members]


def _task(node: manifest.Node, settings: Airflow) -> dict[str, Any]:
    keywords: dict[str, Any] = {"task_id": node.id}
    own = settings.nodes.get(node.id)
    if own is not None:
        keywords |= own.model_dump(
            exclude_unset=True, exclude_none=True, exclude={"execution_timeout", "pod_template"}
        )
        if own.pod_template is not None:
            keywords["pod_template_file"] = own.pod_template
        if own.execution_timeout is not None:
            keywords["execution_timeout"] = to_timedelta(own.execution_timeout)
    if node.type.rpartition(".")[2] == "Pusher":
        keywords |= {"inlets": [Code("MODEL")], "outlets": [Code("PUSHED")]}
    return keywords


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - the template is Python, not HTML
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "py": python_source.source,
        "keywords": python_source.keywords,
        "lines": python_source.lines,
        "text": python_source.text,
    }
    return environment
