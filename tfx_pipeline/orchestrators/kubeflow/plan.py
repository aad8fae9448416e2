"""Plans the steps of a run on a cluster from a compiled pipeline and the section `kubeflow:`.

The plan is plain data, independent of Kubeflow Pipelines and Argo Workflows; both
formats are written from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from tfx_pipeline import errors
from tfx_pipeline.config.base import Section
from tfx_pipeline.config.durations import seconds
from tfx_pipeline.config.kubeflow import ExitHandler, Kubeflow, Secret, Step, Volume
from tfx_pipeline.config.kubernetes_types import is_image
from tfx_pipeline.ir.manifest import Manifest, Node, Parameter

RUN_ID, STATUS = "pipeline_run_id", "final_status"
"""Values that the orchestrator fills in. They are not the names of runtime parameters."""

EXIT_STEP, REPORT_STEP = "exit-handler", "run-report"
_MODULE_ARGUMENTS = 3  # python -m tfx_pipeline.node
TRAINER = "tfx_pipeline.components.trainer.component.Trainer"
TUNER = "tfx_pipeline.components.tuner.component.Tuner"


class Value(Section):
    """A piece of an argument that is known at run time: a parameter, or one of the above."""

    value: str


Argument = tuple[str | Value, ...]
"""Pieces that are joined to form one argument."""


class RetryPolicy(Section):
    """Retries, with waits in seconds."""

    count: int
    backoff: int
    factor: int
    max_duration: int


class PlannedStep(Section):
    """One container to run.

    Attributes:
      name: its name in the orchestrator: lower case, digits and `-`.
      node: the TFX node it executes; empty for the exit handler and the report.
      upstream: the names of the steps that must have succeeded before.
      parameters: the runtime parameters it reads, by their names in the orchestrator.
      resources: the settings of the configuration.
      workers: how many pods train together in it, where the format has steps of several.
      retries: the retries of `resources`, in seconds.
      timeout: the time-out of `resources`, in seconds.
    """

    name: str
    node: str = ""
    image: str
    command: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    upstream: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    resources: Step = Step()
    workers: int = 1
    retries: RetryPolicy | None = None
    timeout: int | None = None


class Plan(Section):
    """Everything that is needed to write a pipeline for a cluster.

    Attributes:
      exit_step: the user's own, which runs after all steps.
      report_step: writes the report of the run after all steps.
    """

    name: str
    description: str = ""
    parameters: dict[str, Parameter] = {}
    steps: tuple[PlannedStep, ...]
    exit_step: PlannedStep | None = None
    report_step: PlannedStep | None = None
    env: dict[str, str] = {}
    secrets: tuple[Secret, ...] = ()
    volumes: tuple[Volume, ...] = ()
    image_pull_policy: str | None = None
    image_pull_secrets: tuple[str, ...] = ()
    service_account: str | None = None

    def step(self, name: str) -> PlannedStep:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)


def make_plan(
    manifest: Manifest,
    section: Kubeflow,
    image: str,
    pipeline: str,
    workers: Mapping[str, int] | None = None,
) -> Plan:
    """Plans a step for each node.

    Args:
      manifest: the compiled pipeline's manifest.
      section: the section `kubeflow:`.
      image: the container image of all nodes.
      pipeline: the value of the node command's `--pipeline`.
      workers: how many pods train together, for the types of nodes that train: `TRAINER`, `TUNER`.

    Raises:
      ConfigError: the image's name is not valid, the section names unknown nodes or
        parameters, or two nodes or parameters get the same name.
    """
    _ensure_fits(manifest, section, image)
    taken = {EXIT_STEP: "the exit handler"}
    if manifest.report:
        taken[REPORT_STEP] = "the step that writes the report"
    names = _unique("node", {node: step_name(node) for node in manifest.node_ids}, taken)
    parameters = _unique("parameter", {n: parameter_name(n) for n in manifest.parameters}, {})

    def planned(node: Node) -> PlannedStep:
        settings = section.nodes.get(node.id, Step()).over(section.step)
        read = {
            name: parameters[name]
            for name, parameter in manifest.parameters.items()
            if node.id in parameter.nodes
        }
        return PlannedStep(
            name=names[node.id],
            node=node.id,
            image=image,
            command=node.command[:_MODULE_ARGUMENTS],
            arguments=_arguments(node.command, pipeline, read),
            upstream=tuple(sorted(names[other] for other in node.upstream)),
            parameters=tuple(read.values()),
            resources=settings,
            workers=(workers or {}).get(node.type, 1),
            retries=_retries(settings),
            timeout=seconds(settings.timeout) if settings.timeout else None,
        )

    return Plan(
        name=manifest.pipeline,
        description=manifest.description,
        parameters={parameters[name]: value for name, value in manifest.parameters.items()},
        steps=tuple(map(planned, manifest.nodes)),
        exit_step=_exit_step(section.exit_handler),
        report_step=_report_step(manifest.report, section.step, image, pipeline),
        env=section.env,
        secrets=section.secrets,
        volumes=section.volumes,
        image_pull_policy=section.image_pull_policy,
        image_pull_secrets=section.image_pull_secrets,
        service_account=section.service_account,
    )


def _arguments(
    command: tuple[str, ...], pipeline: str, parameters: dict[str, str]
) -> tuple[Argument, ...]:
    """The command's arguments; `parameters` maps TFX's names to the orchestrator's."""
    values: dict[str, Argument] = {
        "{pipeline}": (pipeline,),
        "{run_id}": (Value(value=RUN_ID),),
    }
    arguments = [values.get(part, (part,)) for part in command[_MODULE_ARGUMENTS:]]
    for name, orchestrator_name in parameters.items():
        arguments += [("--param",), (f"{name}=", Value(value=orchestrator_name))]
    return tuple(arguments)


def _retries(step: Step) -> RetryPolicy | None:
    if step.retries is None or step.retries.count == 0:
        return None
    return RetryPolicy(
        count=step.retries.count,
        backoff=seconds(step.retries.backoff),
        factor=step.retries.factor,
        max_duration=seconds(step.retries.max_duration),
    )


def _report_step(
    command: tuple[str, ...], step: Step, image: str, pipeline: str
) -> PlannedStep | None:
    """The step that writes the report: as the nodes' steps, without retries and accelerators."""
    if not command:
        return None
    return PlannedStep(
        name=REPORT_STEP,
        image=image,
        command=command[:_MODULE_ARGUMENTS],
        arguments=_arguments(command, pipeline, {}),
        resources=step.model_copy(update={"gpu": None, "retries": None}),
        timeout=seconds(step.timeout) if step.timeout else None,
    )


def _exit_step(handler: ExitHandler | None) -> PlannedStep | None:
    if handler is None:
        return None
    values: dict[str, str | Value] = {
        "{run_id}": Value(value=RUN_ID),
        "{status}": Value(value=STATUS),
    }
    arguments = []
    for text in handler.args:
        parts = [part for part in re.split(r"(\{run_id\}|\{status\})", text) if part]
        arguments.append(tuple(values.get(part, part) for part in parts) or ("",))
    return PlannedStep(
        name=EXIT_STEP,
        image=handler.image,
        command=handler.command,
        arguments=tuple(arguments),
    )


def step_name(node: str) -> str:
    """A node's id in the form that Argo accepts: `ExampleGen` becomes `example-gen`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", node)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:63].strip("-")


def parameter_name(name: str) -> str:
    """A runtime parameter's name in the form that Kubeflow accepts: an identifier."""
    text = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{text}" if text[:1].isdigit() else text


def _unique(kind: str, names: dict[str, str], taken: dict[str, str]) -> dict[str, str]:
    """Checks that the new names are not empty, not `taken` and not used twice."""
    users = {**taken}
    for name, new in names.items():
        message = None
        if not new:
            message = f"{kind} must have letters or digits"
        elif new in users:
            message = f"{kind} would get the same name {new!r} as {users[new]}"
        if message:
            raise errors.ConfigError(errors.Problem(name, message, "Give it another id"))
        users[new] = name
    return names


def _ensure_fits(manifest: Manifest, section: Kubeflow, image: str) -> None:
    problems = []
    if not is_image(image):
        remedy = "Use registry.example/team/pipeline:1.0 or a name with @sha256:DIGEST"
        problems.append(errors.Problem("--image", f"{image!r} is not a valid image name", remedy))
    problems += _unknown("kubeflow.nodes", "node", section.nodes, manifest.node_ids)
    if section.schedule:
        given = section.schedule.parameters
        where = "kubeflow.schedule.parameters"
        problems += _unknown(where, "runtime parameter", given, manifest.parameters)
    if problems:
        raise errors.ConfigError(problems)


def _unknown(
    where: str, kind: str, given: Iterable[str], known: Collection[str]
) -> Iterator[errors.Problem]:
    for name in given:
        if name not in known:
            hint = errors.did_you_mean(name, known)
            yield errors.Problem(f"{where}.{name}", f"the pipeline has no such {kind}", hint)
