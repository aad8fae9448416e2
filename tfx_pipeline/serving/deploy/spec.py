"""What a deployment should be, checked before anything is written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from tfx_pipeline.config import kubernetes_types
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client.traffic_split import CANARY
from tfx_pipeline.serving.rollout.traffic_state import State

VERSION = "2.16.1"
"""TensorFlow Serving's; KServe's default is too old for these models."""

IMAGE = f"tensorflow/serving:{VERSION}"

USER = 65532
"""An unprivileged user; the image's own is root."""

GRPC_PORT, REST_PORT = 8500, 8501

_URI = re.compile(r"(pvc|s3|gs|https?|hdfs)://[^\s]+")
_CORES = (0.05, 256)
_BYTES = (128 * 2**20, 4096 * 2**30)


@dataclasses.dataclass(frozen=True)
class Plan:
    """A model server to deploy.

    Attributes:
      model: its name; the objects are called so too.
      push_dir: where versions are on this machine; Compose mounts it.
      model_uri: where the cluster finds the push folder: `pvc://CLAIM/PATH`, `s3://...`;
        without one, a claim called `<model>-models`.
      canary_uri: where the cluster finds the canary; KServe and Seldon share traffic
        between folders, not between the versions in one.
      image: pinned, with a tag that is not `latest`.
      state: labels, and the canary's percentage.
      cpu, memory: what a replica asks for, and its limit.
    """

    model: str
    push_dir: str
    model_uri: str | None = None
    canary_uri: str | None = None
    namespace: str = "default"
    image: str = IMAGE
    state: State = dataclasses.field(default_factory=State)
    min_replicas: int = 2
    max_replicas: int = 6
    cpu: str = "1"
    memory: str = "1Gi"

    @property
    def uri(self) -> str:
        return self.model_uri or f"pvc://{self.model}-models/{self.model}"

    @property
    def claim(self) -> tuple[str, str]:
        """The claim and the path on it."""
        claim, _, path = self.uri.removeprefix("pvc://").partition("/")
        return claim, path.strip("/")

    @property
    def has_canary(self) -> bool:
        return CANARY in self.state.labels and self.state.canary_percent > 0

    @property
    def resources(self) -> dict[str, dict[str, str]]:
        amounts = {"cpu": self.cpu, "memory": self.memory}
        return {"requests": dict(amounts), "limits": dict(amounts)}


def checked(plan: Plan) -> Plan:
    """The plan itself.

    Raises:
      ConfigError: with everything that is wrong with it.
    """
    problems = [*_problems(plan)]
    if problems:
        raise ConfigError(problems, "The deployment")
    return plan


def _problems(plan: Plan) -> Iterator[Problem]:
    for key in ("model", "namespace"):
        if not kubernetes_types.is_label(getattr(plan, key)):
            rule = "must be lower-case letters, digits and - (at most 63)"
            yield Problem(key, f"{rule}, found {getattr(plan, key)!r}")
    for key, uri in (("model-uri", plan.uri), ("canary-uri", plan.canary_uri)):
        if uri is not None:
            yield from _uri_problems(key, uri)
    if not kubernetes_types.is_pinned_image(plan.image):
        yield Problem("image", f"must be pinned by a tag or digest, found {plan.image!r}")
    yield from _amounts(plan)


def _uri_problems(key: str, uri: str) -> Iterator[Problem]:
    claim = uri.removeprefix("pvc://").partition("/")[0]
    if not _URI.fullmatch(uri):
        rule = "must be pvc://CLAIM/PATH, s3://, gs://, hdfs:// or http(s)://"
        yield Problem(key, f"{rule}, found {uri!r}")
    elif uri.startswith("pvc://") and not kubernetes_types.is_label(claim):
        yield Problem(key, f"{claim!r} is not a valid name of a claim")
    elif re.search(r"//[^/@]*:[^/@]*@", uri):
        yield Problem(key, "contains a password", "Give the service account access instead.")


def whole_percent(plan: Plan, kind: str) -> int:
    """The canary's percentage, for kinds that share traffic themselves.

    Raises:
      ConfigError: it is no whole number, or the canary has no folder of its own.
    """
    percent = plan.state.canary_percent if plan.has_canary else 0
    if percent != int(percent):
        message = f"must be a whole number for {kind}, found {percent:g}"
        raise ConfigError(Problem("canary-percent", message))
    if percent and plan.canary_uri is None:
        message = f"is not given, and {kind} shares traffic between folders"
        remedy = "Name the folder that holds the canary's version only."
        raise ConfigError(Problem("canary-uri", message, remedy))
    return int(percent)


def _amounts(plan: Plan) -> Iterator[Problem]:
    cpu, memory = plan.cpu, plan.memory
    if not (kubernetes_types.is_cpu(cpu) and _within(cpu, _CORES)):
        yield Problem("cpu", f"must be cores from 50m to 256, found {cpu!r}")
    # Docker Compose, which takes the same value, has no other binary units.
    is_memory = kubernetes_types.is_memory(memory) and memory.endswith(("Mi", "Gi"))
    if not (is_memory and _within(memory, _BYTES)):
        yield Problem("memory", f"must be from 128Mi to 4096Gi, found {memory!r}")
    if not 1 <= plan.min_replicas <= plan.max_replicas <= 1000:
        rule = "must be 1 <= min <= max <= 1000"
        yield Problem("replicas", f"{rule}, found {plan.min_replicas} and {plan.max_replicas}")
    if not 0 <= plan.state.canary_percent <= 100:
        found = f"{plan.state.canary_percent:g}"
        yield Problem("canary-percent", f"must be from 0 to 100, found {found}")


def _within(quantity: str, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= kubernetes_types.amount(quantity) <= bounds[1]
