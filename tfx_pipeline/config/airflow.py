"""The section `airflow:` of `pipeline.yaml`. Its terms are Airflow's own."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

import pydantic
from pydantic import Field, NonNegativeInt, PositiveInt

from tfx_pipeline.config.base import Section
from tfx_pipeline.config.durations import PositiveDuration as Duration
from tfx_pipeline.errors import did_you_mean

PRESETS = (
    "@once",
    "@continuous",
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@quarterly",
    "@yearly",
)


def _schedule(value: str) -> str:
    """Checks that a schedule is a preset, or five fields that Airflow's own parser accepts."""
    from croniter import CroniterBadCronError, croniter

    if value in PRESETS:
        return value
    if value.startswith("@"):
        raise ValueError(f"there is no preset {value!r}. {did_you_mean(value, PRESETS)}")
    rule = f"must be a cron expression of 5 fields or one of {', '.join(PRESETS)}"
    fields = len(value.split())
    if fields != 5:
        plural = "" if fields == 1 else "s"
        raise ValueError(f"{rule}, found {value!r}: it has {fields} field{plural}")
    try:
        croniter(value)
    except (CroniterBadCronError, ValueError) as error:
        raise ValueError(f"{rule}, found {value!r}: {error}") from error
    return value


def _like(pattern: str, rule: str) -> pydantic.AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {rule}, found {value!r}")
        return value

    return pydantic.AfterValidator(check)


Schedule = Annotated[str, pydantic.AfterValidator(_schedule)]
Identifier = Annotated[str, _like(r"[\w.-]{1,250}", "letters, digits and . _ - only")]
"""What Airflow accepts as the name of a pool, a queue or a connection."""

DottedPath = Annotated[str, _like(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", "like package.function")]
VariableName = Annotated[str, _like(r"[A-Za-z_]\w*", "the name of an environment variable")]
Url = Annotated[str, _like(r"https?://\S+", "a URL that begins with http:// or https://")]
Address = Annotated[str, _like(r"[^@\s]+@[^@\s]+", "an e-mail address")]


class NodeSettings(Section):
    """Settings of one node. A key that is absent is taken from `airflow:`."""

    retries: NonNegativeInt | None = None
    """How often the node is retried."""
    execution_timeout: Duration | None = None
    """How long the node may run, for example `2h`."""
    pool: Identifier | None = None
    """The Airflow pool that the node runs in."""
    pool_slots: PositiveInt = 1
    """How many slots of the pool the node takes."""
    queue: Identifier | None = None
    """The queue of the workers that run the node."""
    pod_template: str | None = None
    """The node's own pod template file; only with `airflow.pod`."""


class SecretKey(Section):
    """One key of a Kubernetes secret."""

    name: Identifier
    """The Kubernetes secret."""
    key: Identifier
    """The key in that secret."""


class Pod(Section):
    """Runs the nodes in Kubernetes pods instead of on Airflow's workers."""

    image: Annotated[str, _like(r"\S+", "the name of an image")]
    """The image of the pods. It contains TFX, this library and the pipeline's modules."""
    namespace: Identifier | None = None
    """The Kubernetes namespace. Absent: the one that Airflow's connection names."""
    kubernetes_conn_id: Identifier = "kubernetes_default"
    """The Airflow connection to the cluster."""
    service_account: Identifier | None = None
    """The Kubernetes service account of the pods."""
    template: str | None = None
    """A pod template file that Airflow's workers can read: volumes, resources, tolerations."""
    secrets: dict[VariableName, SecretKey] = {}
    """For each environment variable of the pods, the Kubernetes secret that holds its value."""


class OnFailure(Section):
    """Who is notified of a task that failed and is not retried any more."""

    email: tuple[Address, ...] = ()
    """Addresses that get an e-mail, through Airflow's SMTP connection."""
    callback: DottedPath | None = None
    """A function in Airflow's environment that is called with the task's context."""


class Airflow(Section):
    """How the pipeline is scheduled."""

    schedule: Schedule | None = None
    """A cron expression of five fields, or a preset: `@once`, `@continuous`, `@hourly`,
    `@daily`, `@weekly`, `@monthly`, `@quarterly`, `@yearly`. Absent or `none`: the pipeline
    runs only when it is triggered."""
    watch: str | None = None
    """A file, instead of a schedule. When it appears, a run starts and the file is removed.
    Write the new data first and this file last."""
    start_date: datetime.date = datetime.date(2026, 1, 1)
    """The date from which the schedule counts."""
    catchup: bool = False
    """Whether Airflow also starts the runs that were due in the past."""
    max_active_runs: PositiveInt = 1
    """How many runs may be active at the same time."""
    max_active_tasks: PositiveInt | None = None
    """How many nodes of a run may run at the same time. Absent: Airflow's default."""
    retries: NonNegativeInt = 1
    """How often a failed node is retried. A gate's refusal is never retried."""
    retry_delay: Duration = "1m"
    """The wait before the first retry, for example `5m`."""
    retry_exponential_backoff: bool = True
    """Doubles the wait with each retry."""
    max_retry_delay: Duration = "1h"
    """The longest wait between two attempts."""
    execution_timeout: Duration | None = None
    """How long a node may run, for example `6h`. Absent: no limit."""
    pool: Identifier | None = None
    """The Airflow pool that the nodes run in. Create it before the first run. Absent: Airflow's
    default pool."""
    queue: Identifier | None = None
    """The queue of the workers that run the nodes."""
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ("tfx",)
    """The tags of the DAG in Airflow's web pages."""
    owner: str = "airflow"
    """The owner of the DAG in Airflow's web pages."""
    on_failure: OnFailure = OnFailure()
    """Who is notified when a node has failed and has no retries left."""
    environment: tuple[VariableName, ...] = ()
    """Environment variables of the worker that are passed to the nodes, in addition to a few
    harmless ones such as `PATH`."""
    metadata_conn_id: Identifier | None = None
    """The Airflow connection that holds the password for ML Metadata on MySQL."""
    artifacts_url: Url | None = None
    """The URL at which a browser can open `root`; the tasks link to it."""
    task_groups: bool = True
    """Shows the nodes in groups: data, training, release."""
    pod: Pod | None = None
    """Runs the nodes in Kubernetes pods. Absent: they run on Airflow's workers."""
    nodes: dict[str, NodeSettings] = {}
    """For single nodes, settings that replace those above."""

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools that Airflow must have."""
        named = [self.pool, *(node.pool for node in self.nodes.values())]
        return tuple(sorted({pool for pool in named if pool and pool != "default_pool"}))

    @pydantic.field_validator("schedule", mode="before")
    @classmethod
    def _none_is_none(cls, value: Any) -> Any:
        return None if value == "none" else value

    @pydantic.model_validator(mode="after")
    def _starts_in_one_way(self) -> Airflow:
        if self.schedule is not None and self.watch is not None:
            raise ValueError("has both 'schedule' and 'watch'; use one of them to start runs")
        if self.schedule == "@continuous" and self.max_active_runs != 1:
            raise ValueError("'schedule: @continuous' requires 'max_active_runs: 1'")
        return self

    @pydantic.model_validator(mode="after")
    def _fits_where_nodes_run(self) -> Airflow:
        templates = [name for name, node in self.nodes.items() if node.pod_template]
        if self.pod is None and templates:
            raise ValueError(f"nodes.{templates[0]}.pod_template requires 'pod', which is absent")
        if self.pod is not None and (self.environment or self.metadata_conn_id):
            raise ValueError(
                "'environment' and 'metadata_conn_id' apply to nodes on workers; "
                "pods get their variables from 'pod.secrets' and 'pod.template'"
            )
        return self
