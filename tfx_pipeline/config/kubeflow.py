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
    limit: Cpu | None = None

    @pydantic.model_validator(mode="after")
    def _limit_is_enough(self) -> CpuAmount:
        _ensure_ordered(self.request, self.limit)
        return self


class MemoryAmount(Section):
    """Memory a step requests, and the most it may use."""

    request: Memory | None = None
    limit: Memory | None = None

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
    count: PositiveInt = 1


class Retries(Section):
    """How often a failed step is retried, after waits that grow by `factor`.

    No attempt starts later than `max_duration` after the first one.
    """

    count: Annotated[int, Field(ge=0, le=100)] = 0
    backoff: Duration = "30s"
    factor: Annotated[int, Field(ge=1, le=100)] = 2
    max_duration: Duration = "7d"


class Toleration(Section):
    """Lets a step run on nodes with a taint."""

    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: Annotated[int, Field(ge=0)] | None = None

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
    memory: MemoryAmount | None = None
    gpu: Gpu | None = None
    retries: Retries | None = None
    timeout: Duration | None = None
    node_selector: dict[str, str] | None = None
    tolerations: tuple[Toleration, ...] | None = None

    def over(self, defaults: Step) -> Step:
        """This step, with the values of `defaults` for its absent keys."""
        values: dict[str, Any] = {}
        for step in (defaults, self):
            values |= {name: value for name, value in step if value is not None}
        return Step(**values)


class Secret(Section):
    """A Kubernetes secret, as environment variables (`VARIABLE: key`) or as files."""

    name: KubernetesName
    env: dict[Variable, SecretKey] = {}
    mount_path: MountPath | None = None

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
    mount_path: MountPath
    sub_path: str = ""


class ExitHandler(Section):
    """A container that runs after all others, whether they succeeded or failed.

    In `args`, `{run_id}` is replaced by the run's id and `{status}` by its state:
    Kubeflow's final status as JSON, or Argo's status word.
    """

    image: Image
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    args: tuple[str, ...] = ()


class Schedule(Section):
    """A recurring run: `cron` in five fields, UTC."""

    cron: str
    catchup: bool = False
    max_concurrency: Annotated[int, Field(ge=1, le=10)] = 1
    enabled: bool = True
    parameters: dict[str, int | float | str] = {}

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
    """How the pipeline's steps run on a cluster.

    `step` applies to every step; `nodes` overrides it for single nodes.
    """

    service_account: KubernetesName | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: tuple[KubernetesName, ...] = ()
    env: dict[Variable, str] = {}
    secrets: tuple[Secret, ...] = ()
    volumes: tuple[Volume, ...] = ()
    step: Step = Step()
    nodes: dict[str, Step] = {}
    exit_handler: ExitHandler | None = None
    schedule: Schedule | None = None

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
