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
    execution_timeout: Duration | None = None
    pool: Identifier | None = None
    pool_slots: PositiveInt = 1
    queue: Identifier | None = None
    pod_template: str | None = None


class SecretKey(Section):
    """One key of a Kubernetes secret."""

    name: Identifier
    key: Identifier


class Pod(Section):
    """Runs the nodes in Kubernetes pods instead of on Airflow's workers.

    Attributes:
      image: contains TFX, this library and the pipeline's `modules`.
      kubernetes_conn_id: the Airflow connection to the cluster.
      template: a pod template file that Airflow's workers can read: volumes,
        resources, tolerations. A node may have its own.
      secrets: environment variables of the pods, from Kubernetes secrets.
    """

    image: Annotated[str, _like(r"\S+", "the name of an image")]
    namespace: Identifier | None = None
    kubernetes_conn_id: Identifier = "kubernetes_default"
    service_account: Identifier | None = None
    template: str | None = None
    secrets: dict[VariableName, SecretKey] = {}


class OnFailure(Section):
    """Who is notified of a task that failed and is not retried any more.

    `email` goes through Airflow's SMTP connection; `callback` names a function in
    Airflow's environment, which is called with the task's context.
    """

    email: tuple[Address, ...] = ()
    callback: DottedPath | None = None


class Airflow(Section):
    """How the pipeline is scheduled.

    Attributes:
      schedule: a cron expression or a preset; absent, it runs when triggered.
      watch: instead of a schedule, a file. When it appears, a run starts and the
        file is removed. Write the new span first and this file last.
      environment: variables of the worker that are passed to nodes, in addition to
        a few harmless ones such as PATH.
      metadata_conn_id: the Airflow connection that holds ML Metadata's password.
      artifacts_url: the URL at which a browser can open `root`.
      task_groups: whether nodes are shown in groups: data, training, release.
      pod: where nodes run; absent, on Airflow's workers.
    """

    schedule: Schedule | None = None
    watch: str | None = None
    start_date: datetime.date = datetime.date(2026, 1, 1)
    catchup: bool = False
    max_active_runs: PositiveInt = 1
    max_active_tasks: PositiveInt | None = None
    retries: NonNegativeInt = 1
    retry_delay: Duration = "1m"
    retry_exponential_backoff: bool = True
    max_retry_delay: Duration = "1h"
    execution_timeout: Duration | None = None
    pool: Identifier | None = None
    queue: Identifier | None = None
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ("tfx",)
    owner: str = "airflow"
    on_failure: OnFailure = OnFailure()
    environment: tuple[VariableName, ...] = ()
    metadata_conn_id: Identifier | None = None
    artifacts_url: Url | None = None
    task_groups: bool = True
    pod: Pod | None = None
    nodes: dict[str, NodeSettings] = {}

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
