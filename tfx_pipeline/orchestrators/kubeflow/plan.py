"""Joins a compiled pipeline with the `kubeflow:` section into the steps of a cluster's run.

The plan is plain data and knows neither Kubeflow Pipelines nor Argo Workflows; both
formats are written from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tfx_pipeline import errors
from tfx_pipeline.config.base import Section
from tfx_pipeline.config.durations import seconds
from tfx_pipeline.config.kubeflow import ExitHandler, Kubeflow, Secret, Step, Volume
from tfx_pipeline.config.kubernetes_types import is_image
from tfx_pipeline.ir.manifest import Manifest, Node, Parameter

RUN_ID, STATUS = "pipeline_run_id", "final_status"
"""Values an orchestrator fills in. No runtime parameter is called so: TFX keeps the first."""

EXIT_STEP = "exit-handler"
_MODULE_ARGUMENTS = 3  # python -m tfx_pipeline.node


class Value(Section):
    """Stands in an argument for a value known at run time: a parameter, or one of the above."""

    value: str


Argument = tuple[str | Value, ...]
"""Pieces that are joined to one argument."""


class RetryPolicy(Section):
    """Retries, with waits in seconds."""

    count: int
    backoff: int
    factor: int
    max_duration: int


class PlannedStep(Section):
    """One container to run.

    Attributes:
      name: what the orchestrator calls it: lower case, digits and `-`.
      node: the TFX node it executes; empty for the exit handler.
      upstream: the names of the steps that must have ended well before.
      parameters: the runtime parameters it reads, by the name the orchestrator has.
      resources: as the configuration says; retries and time-out are resolved.
    """

    name: str
    node: str = ""
    image: str
    command: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    upstream: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    resources: Step = Step()
    retries: RetryPolicy | None = None
    timeout: int | None = None


class Plan(Section):
    """All that is needed to write a pipeline for a cluster."""

    name: str
    description: str = ""
    parameters: dict[str, Parameter] = {}
    steps: tuple[PlannedStep, ...]
    exit_step: PlannedStep | None = None
    env: dict[str, str] = {}
    secrets: tuple[Secret, ...] = ()
    volumes: tuple[Volume, ...] = ()
    image_pull_policy: str | None = None
    image_pull_secrets: tuple[str, ...] = ()
    service_account: str | None = None

    def step(self, name: str) -> PlannedStep:
        return next(step for step in self.steps if step.name == name)


def make_plan(manifest: Manifest, section: Kubeflow, image: str, pipeline: str) -> Plan:
    """Plans a step for each node.

    Args:
      manifest: the compiled pipeline's.
      section: the configuration.
      image: the container image of all nodes.
      pipeline: what the node command gets as `--pipeline`.

    Raises:
      ConfigError: the image is none, the section names unknown nodes or
        parameters, or two nodes or parameters get the same name.
    """
    _ensure_fits(manifest, section, image)
    names = _single("node", {node: step_name(node) for node in manifest.node_ids})
    parameters = _single("parameter", {n: parameter_name(n) for n in manifest.parameters})
    maker = _Maker(manifest, section, image, pipeline, names, parameters)
    return Plan(
        name=manifest.pipeline,
        description=manifest.description,
        parameters={parameters[name]: value for name, value in manifest.parameters.items()},
        steps=tuple(maker.step(node) for node in manifest.nodes),
        exit_step=_exit_step(section.exit_handler),
        env=section.env,
        secrets=section.secrets,
        volumes=section.volumes,
        image_pull_policy=section.image_pull_policy,
        image_pull_secrets=section.image_pull_secrets,
        service_account=section.service_account,
    )


class _Maker:
    def __init__(self, manifest, section, image, pipeline, names, parameters):
        self._manifest: Manifest = manifest
        self._section: Kubeflow = section
        self._image: str = image
        self._texts = {"{pipeline}": (pipeline,), "{run_id}": (Value(value=RUN_ID),)}
        self._names: dict[str, str] = names
        self._parameters: dict[str, str] = parameters

    def step(self, node: Node) -> PlannedStep:
        wanted = self._section.nodes.get(node.id, Step()).over(self._section.step)
        arguments = [self._texts.get(part, (part,)) for part in node.command[_MODULE_ARGUMENTS:]]
        read = [
            n for n, parameter in self._manifest.parameters.items() if node.id in parameter.nodes
        ]
        for name in read:
            arguments += [("--param",), (f"{name}=", Value(value=self._parameters[name]))]
        return PlannedStep(
            name=self._names[node.id],
            node=node.id,
            image=self._image,
            command=node.command[:_MODULE_ARGUMENTS],
            arguments=tuple(arguments),
            upstream=tuple(sorted(self._names[other] for other in node.upstream)),
            parameters=tuple(self._parameters[name] for name in read),
            resources=wanted,
            retries=_retries(wanted),
            timeout=seconds(wanted.timeout) if wanted.timeout else None,
        )


def _retries(step: Step) -> RetryPolicy | None:
    if step.retries is None or step.retries.count == 0:
        return None
    return RetryPolicy(
        count=step.retries.count,
        backoff=seconds(step.retries.backoff),
        factor=step.retries.factor,
        max_duration=seconds(step.retries.max_duration),
    )


def _exit_step(handler: ExitHandler | None) -> PlannedStep | None:
    if handler is None:
        return None
    return PlannedStep(
        name=EXIT_STEP,
        image=handler.image,
        command=handler.command,
        arguments=tuple(_pieces(text) for text in handler.args),
    )


def _pieces(text: str) -> Argument:
    known = {"{run_id}": Value(value=RUN_ID), "{status}": Value(value=STATUS)}
    parts = re.split(r"(\{run_id\}|\{status\})", text)
    return tuple(known.get(part, part) for part in parts if part) or ("",)


def step_name(node: str) -> str:
    """A node's id as Argo takes it: `ExampleGen` becomes `example-gen`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", node)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:63].strip("-")


def parameter_name(name: str) -> str:
    """A runtime parameter's name as Kubeflow takes it: an identifier."""
    text = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{text}" if text[:1].isdigit() else text


def _single(kind: str, names: dict[str, str]) -> dict[str, str]:
    seen: dict[str, str] = {}
    for name, made in names.items():
        taken = {EXIT_STEP: "the exit handler", **seen}.get(made)
        if taken or not made:
            what = f"get the same name {made!r} as {taken}" if taken else "have letters or digits"
            remedy = "Give it another id"
            verb = "would" if taken else "must"
            raise errors.ConfigError(errors.Problem(name, f"{kind} {verb} {what}", remedy))
        seen[made] = name
    return names


def _ensure_fits(manifest: Manifest, section: Kubeflow, image: str) -> None:
    problems = []
    if not is_image(image):
        remedy = "Name it as registry.example/team/pipeline:1.0 or with @sha256:..."
        problems.append(errors.Problem("--image", f"{image!r} is no image", remedy))
    problems += _unknown("kubeflow.nodes", "node", section.nodes, manifest.node_ids)
    if section.schedule:
        given = section.schedule.parameters
        where = "kubeflow.schedule.parameters"
        problems += _unknown(where, "runtime parameter", given, manifest.parameters)
    if problems:
        raise errors.ConfigError(problems)


def _unknown(where: str, kind: str, given: Iterable[str], known: Iterable[str]):
    for name in given:
        if name not in known:
            hint = errors.did_you_mean(name, known)
            yield errors.Problem(f"{where}.{name}", f"the pipeline has no such {kind}", hint)
