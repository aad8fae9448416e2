"""The section `airflow:` of `pipeline.yaml`. Its terms are Airflow's own."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

import pydantic
from pydantic import Field, NonNegativeInt, PositiveInt

from tfx_pipeline.config.base import Section
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
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d+)([smhd])")


def _schedule(value: str) -> str:
    """A preset, or five fields that Airflow's own parser takes."""
    if value in PRESETS:
        return value
    if value.startswith("@"):
        raise ValueError(f"there is no preset {value!r}. {did_you_mean(value, PRESETS)}")
    reason = _cron_problem(value)
    if reason is not None:
        raise ValueError(
            f"must be a cron expression of 5 fields or one of {', '.join(PRESETS)}, "
            f"found {value!r}: {reason}"
        )
    return value


def _cron_problem(value: str) -> str | None:
    from croniter import CroniterBadCronError, croniter

    fields = len(value.split())
    if fields != 5:
        return f"it has {fields} field{'' if fields == 1 else 's'}"
    try:
        croniter(value)
    except (CroniterBadCronError, ValueError) as error:
        return str(error)
    return None


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value) or not to_timedelta(value):
        raise ValueError(f"must be a duration such as 30s, 5m, 2h or 1d, found {value!r}")
    return value


def to_timedelta(duration: str) -> datetime.timedelta:
    """`90s`, `5m`, `2h` or `1d` as a timedelta."""
    amount, unit = _DURATION.fullmatch(duration).groups()
    return datetime.timedelta(**{_UNITS[unit]: int(amount)})


def _like(pattern: str, rule: str) -> pydantic.AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {rule}, found {value!r}")
        return value

    return pydantic.AfterValidator(check)


Schedule = Annotated[str, pydantic.AfterValidator(_schedule)]
Duration = Annotated[str, pydantic.AfterValidator(_duration)]
Identifier = Annotated[str, _like(r"[\w.-]{1,250}", "letters, digits and . _ - only")]
"""What Airflow takes as the name of a pool, a queue or a connection."""

DottedPath = Annotated[str, _like(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", "like package.function")]
VariableName = Annotated[str, _like(r"[A-Za-z_]\w*", "the name of an environment variable")]
Url = Annotated[str, _like(r"https?://\S+", "a URL that begins with http:// or https://")]
Address = Annotated[str, _like(r"[^@\s]+@[^@\s]+", "an e-mail address")]


class NodeSettings(Section):
    """What one node has of its own; what is absent is as in the section above."""

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
    """Runs the nodes in pods of Kubernetes, and not on Airflow's workers.

    Attributes:
      image: has TFX, this library and the pipeline's `modules`.
      kubernetes_conn_id: the Airflow connection that opens the cluster.
      template: a pod template file that Airflow's workers can read: volumes,
        resources, tolerations. A node may have one of its own.
      secrets: environment variables of the pods, from Kubernetes secrets.
    """

    image: Annotated[str, _like(r"\S+", "the name of an image")]
    namespace: Identifier | None = None
    kubernetes_conn_id: Identifier = "kubernetes_default"
    service_account: Identifier | None = None
    template: str | None = None
    secrets: dict[VariableName, SecretKey] = {}


class OnFailure(Section):
    """Who is told of a task that failed for good.

    `email` goes through Airflow's SMTP connection; `callback` names a function in
    Airflow's environment, which is called with the task's context.
    """

    email: tuple[Address, ...] = ()
    callback: DottedPath | None = None


class Airflow(Section):
    """How the pipeline is scheduled.

    Attributes:
      schedule: a cron expression or a preset; absent, it runs when triggered.
      watch: instead of a schedule, a file: when it appears a run begins, and the
        file is taken away. Write the new span first, this file last.
      environment: variables of the worker that nodes are to see; none but a few
        harmless ones are passed otherwise.
      metadata_conn_id: the Airflow connection whose password opens ML Metadata.
      artifacts_url: where `root` can be looked at with a browser.
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
        named = {self.pool, *(node.pool for node in self.nodes.values())}
        return tuple(sorted(named - {None, "default_pool"}))

    @pydantic.field_validator("schedule", mode="before")
    @classmethod
    def _none_is_none(cls, value: Any) -> Any:
        return None if value == "none" else value

    @pydantic.model_validator(mode="after")
    def _begins_in_one_way(self):
        if self.schedule is not None and self.watch is not None:
            raise ValueError("has both 'schedule' and 'watch'; a run begins by one of them")
        if self.schedule == "@continuous" and self.max_active_runs != 1:
            raise ValueError("'schedule: @continuous' goes with 'max_active_runs: 1'")
        return self

    @pydantic.model_validator(mode="after")
    def _fits_where_nodes_run(self):
        templates = [name for name, node in self.nodes.items() if node.pod_template]
        if self.pod is None and templates:
            raise ValueError(f"nodes.{templates[0]}.pod_template goes with 'pod', which is absent")
        if self.pod is not None and (self.environment or self.metadata_conn_id):
            raise ValueError(
                "'environment' and 'metadata_conn_id' are for nodes on workers; "
                "pods get variables by 'pod.secrets' and 'pod.template'"
            )
        return self
