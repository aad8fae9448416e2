"""The section `kubeflow:` of the configuration: how steps run on a cluster."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, PositiveInt

from tfx_pipeline.config.base import Section
from tfx_pipeline.config.durations import Duration
from tfx_pipeline.config.kubernetes_types import (
    Cpu,
    Image,
    KubernetesName,
    Memory,
    MountPath,
    SecretKey,
    Variable,
    VolumeName,
    amount,
)

_SECRET_LIKE = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL", re.I)
_PATH_LIKE = re.compile(r"_(FILE|PATH|DIR|NAME|ENDPOINT|URI|URL)$|^GOOGLE_APPLICATION_CRED", re.I)
_CRON_FIELD = r"[\d*/,\-A-Za-z?]+"


class CpuAmount(Section):
    """Cores a step requests, and the most it may use."""

    request: Cpu | None = None
    """Cores that Kubernetes reserves, for example `500m` or `2`."""
    limit: Cpu | None = None
    """The most cores that the step may use."""

    @pydantic.model_validator(mode="after")
    def _limit_is_enough(self) -> CpuAmount:
        _ensure_ordered(self.request, self.limit)
        return self


class MemoryAmount(Section):
    """Memory a step requests, and the most it may use."""

    request: Memory | None = None
    """Memory that Kubernetes reserves, for example `512Mi` or `4Gi`."""
    limit: Memory | None = None
    """The most memory that the step may use; Kubernetes ends a step that uses more."""

    @pydantic.model_validator(mode="after")
    def _limit_is_enough(self) -> MemoryAmount:
        _ensure_ordered(self.request, self.limit)
        return self


def _ensure_ordered(request: str | None, limit: str | None) -> None:
    if request and limit and amount(request) > amount(limit):
        raise ValueError(f"request ({request}) is above limit ({limit})")


class Gpu(Section):
    """Accelerators, by the resource name that their device plug-in gives them."""

    type: str = "nvidia.com/gpu"
    """The resource name of the accelerator's device plug-in."""
    count: PositiveInt = 1
    """How many of them."""


class Retries(Section):
    """How often a failed step is retried, after waits that grow."""

    count: Annotated[int, Field(ge=0, le=100)] = 0
    """How often a failed step is retried."""
    backoff: Duration = "30s"
    """The wait before the first retry, for example `30s`."""
    factor: Annotated[int, Field(ge=1, le=100)] = 2
    """The wait is multiplied by this number after each retry."""
    max_duration: Duration = "7d"
    """No attempt starts later than this after the first one."""


class Toleration(Section):
    """Lets a step run on nodes with a taint."""

    key: str | None = None
    """The taint's key. Absent: every taint, only with operator `Exists`."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """`Equal` compares the taint's value with `value`; `Exists` accepts every value."""
    value: str | None = None
    """The taint's value, for operator `Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect. Absent: all effects."""
    seconds: Annotated[int, Field(ge=0)] | None = None
    """How long the step may stay on a node after the taint appears. Absent: no limit."""

    @pydantic.model_validator(mode="after")
    def _value_fits_operator(self) -> Toleration:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("operator Exists allows no 'value'")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("operator Equal needs a 'key'; Exists without one tolerates all")
        return self


class Step(Section):
    """Resources and retries of one step. An absent key is taken from `kubeflow.step`."""

    cpu: CpuAmount | None = None
    """The cores of a step."""
    memory: MemoryAmount | None = None
    """The memory of a step."""
    gpu: Gpu | None = None
    """The accelerators of a step."""
    retries: Retries | None = None
    """How often a failed step is retried."""
    timeout: Duration | None = None
    """How long a step may run, for example `2h`. Absent: no limit."""
    node_selector: dict[str, str] | None = None
    """The labels that a Kubernetes node must have, as `label: value`."""
    tolerations: tuple[Toleration, ...] | None = None
    """The taints of Kubernetes nodes that a step tolerates."""

    def over(self, defaults: Step) -> Step:
        """This step, with the values of `defaults` for its absent keys."""
        values: dict[str, Any] = {}
        for step in (defaults, self):
            values |= {name: value for name, value in step if value is not None}
        return Step(**values)


class Secret(Section):
    """A Kubernetes secret, as environment variables (`VARIABLE: key`) or as files."""

    name: KubernetesName
    """The Kubernetes secret."""
    env: dict[Variable, SecretKey] = {}
    """Environment variables from the secret, as `VARIABLE: key`."""
    mount_path: MountPath | None = None
    """A folder in which the secret's keys appear as files."""

    @pydantic.model_validator(mode="after")
    def _is_used(self) -> Secret:
        if not self.env and self.mount_path is None:
            raise ValueError(
                "is not used: give 'env' with VARIABLE: key, the key in the secret, or 'mount_path'"
            )
        if self.mount_path and "." in self.name:
            # Kubeflow calls the volume by the secret's name, and volumes have no '.'.
            raise ValueError(f"a mounted secret's name must have no '.', found {self.name!r}")
        return self


class Volume(Section):
    """A persistent volume claim, mounted into every step."""

    claim: VolumeName
    """The persistent volume claim."""
    mount_path: MountPath
    """The folder in which the volume appears."""
    sub_path: str = ""
    """The folder of the volume that is mounted. Empty: the whole volume."""


class ExitHandler(Section):
    """A container that runs after all others, whether they succeeded or failed.

    In `args`, `{run_id}` is replaced by the run's id and `{status}` by its state:
    Kubeflow's final status as JSON, or Argo's status word.
    """

    image: Image
    """The container's image."""
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    """The command."""
    args: tuple[str, ...] = ()
    """The command's arguments. `{run_id}` and `{status}` are replaced."""


class Schedule(Section):
    """A recurring run: `cron` in five fields, UTC."""

    cron: str
    """Five fields in UTC: minute, hour, day of month, month, day of week."""
    catchup: bool = False
    """Whether missed runs are started later."""
    max_concurrency: Annotated[int, Field(ge=1, le=10)] = 1
    """How many runs may be active at the same time."""
    enabled: bool = True
    """Whether the schedule is active."""
    parameters: dict[str, int | float | str] = {}
    """Runtime parameters of the scheduled runs, as `name: value`."""

    @pydantic.field_validator("cron")
    @classmethod
    def _has_five_fields(cls, value: str) -> str:
        if not re.fullmatch(rf"{_CRON_FIELD}( +{_CRON_FIELD}){{4}}", value):
            raise ValueError(
                "must have five fields: minute, hour, day of month, month, day of week, "
                f"such as '0 6 * * *', found {value!r}"
            )
        return value


class Kubeflow(Section):
    """How the pipeline's steps run on a cluster."""

    service_account: KubernetesName | None = None
    """The Kubernetes service account of the steps."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When Kubernetes pulls the steps' image. Absent: Kubernetes' default."""
    image_pull_secrets: tuple[KubernetesName, ...] = ()
    """The Kubernetes secrets for pulling the image."""
    env: dict[Variable, str] = {}
    """Environment variables of every step. Secrets are refused here."""
    secrets: tuple[Secret, ...] = ()
    """Kubernetes secrets that every step gets, as variables or as files."""
    volumes: tuple[Volume, ...] = ()
    """Persistent volumes that are mounted into every step."""
    step: Step = Step()
    """Resources, retries and placement of every step."""
    nodes: dict[str, Step] = {}
    """For single nodes, settings that replace those of `step`, key by key."""
    exit_handler: ExitHandler | None = None
    """A container that runs after all steps, whether they succeeded or failed."""
    schedule: Schedule | None = None
    """When runs are started. Absent: a run starts only when somebody starts it."""

    @property
    def secret_variables(self) -> set[str]:
        """The environment variables that come from secrets."""
        return {name for secret in self.secrets for name in secret.env}

    @pydantic.field_validator("env")
    @classmethod
    def _holds_no_secret(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if text and _SECRET_LIKE.search(name) and not _PATH_LIKE.search(name):
                raise ValueError(
                    f"{name} looks like a secret, and the pipeline's file is readable by others; "
                    "remove it and name a Kubernetes secret in kubeflow.secrets"
                )
        return value

    @pydantic.model_validator(mode="after")
    def _names_are_unique(self) -> Kubeflow:
        variables = [*self.env, *(name for secret in self.secrets for name in secret.env)]
        # Kubeflow calls volumes by the names of their secrets and claims.
        mounted = [secret.name for secret in self.secrets if secret.mount_path]
        mounted += [volume.claim for volume in self.volumes]
        paths = [secret.mount_path for secret in self.secrets if secret.mount_path]
        paths += [volume.mount_path for volume in self.volumes]
        for what, names in {
            "variable": variables,
            "volume": mounted,
            "path": [path.rstrip("/") for path in paths],
        }.items():
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"the {what} {name!r} is given twice")
        return self
