"""What to deploy, checked before anything is written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from tfx_pipeline.config import kubernetes_types
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client.traffic_split import CANARY
from tfx_pipeline.serving.rollout.traffic_state import State
from tfx_pipeline.storage.layout import is_remote

VERSION = "2.16.1"
"""TensorFlow Serving's version; KServe's default is too old for these models."""

IMAGE = f"tensorflow/serving:{VERSION}"

USER = 65532
"""An unprivileged user; the image's default is root."""

GRPC_PORT, REST_PORT = 8500, 8501

_URI = re.compile(r"(pvc|s3|gs|https?|hdfs)://[^\s]+")
_CORES = (0.05, 256)
_BYTES = (128 * 2**20, 4096 * 2**30)


@dataclasses.dataclass(frozen=True)
class DeploymentSpec:
    """A model server to deploy.

    Attributes:
      model: the model's name, also used as the name of the objects.
      push_dir: the folder of versions, on this machine or an object store. Compose mounts
        it, so there it is on this machine.
      model_uri: the push folder as the cluster sees it: `pvc://CLAIM/PATH`, `s3://...`;
        if None, the push folder on its object store, or else a PersistentVolumeClaim named
        `<model>-models`.
      canary_uri: the canary's folder as the cluster sees it. KServe and Seldon split
        traffic between folders, not between the versions in one folder.
      namespace: the namespace of the objects.
      image: the server's image, with a digest or a tag other than `latest`.
      state: labels, and the canary's percentage.
      min_replicas, max_replicas: the range of the autoscaler.
      cpu, memory: what each replica requests, which is also its limit.
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
        """The push folder as the cluster sees it."""
        if self.model_uri is not None:
            return self.model_uri
        if is_remote(self.push_dir):
            return self.push_dir.rstrip("/")
        return f"pvc://{self.model}-models/{self.model}"

    @property
    def claim(self) -> tuple[str, str]:
        """The PersistentVolumeClaim and the path on it."""
        claim, _, path = self.uri.removeprefix("pvc://").partition("/")
        return claim, path.strip("/")

    @property
    def has_canary(self) -> bool:
        """Whether a canary receives traffic."""
        return CANARY in self.state.labels and self.state.canary_percent > 0

    @property
    def resources(self) -> dict[str, dict[str, str]]:
        """The resource requirements of a container."""
        amounts = {"cpu": self.cpu, "memory": self.memory}
        return {"requests": dict(amounts), "limits": dict(amounts)}


def ensure_valid(spec: DeploymentSpec) -> None:
    """Checks the deployment.

    Raises:
      ConfigError: it is not valid; the error lists all problems.
    """
    if problems := [*_problems(spec)]:
        raise ConfigError(problems, "The deployment")


def _problems(spec: DeploymentSpec) -> Iterator[Problem]:
    for key in ("model", "namespace"):
        if not kubernetes_types.is_label(getattr(spec, key)):
            rule = "must be lower-case letters, digits and - (at most 63)"
            yield Problem(key, f"{rule}, found {getattr(spec, key)!r}")
    for key, uri in (("model-uri", spec.uri), ("canary-uri", spec.canary_uri)):
        if uri is not None:
            yield from _uri_problems(key, uri)
    if not kubernetes_types.is_pinned_image(spec.image):
        yield Problem("image", f"must be pinned by a tag or digest, found {spec.image!r}")
    yield from _resource_problems(spec)


def _uri_problems(key: str, uri: str) -> Iterator[Problem]:
    claim = uri.removeprefix("pvc://").partition("/")[0]
    if not _URI.fullmatch(uri):
        rule = "must be pvc://CLAIM/PATH, s3://, gs://, hdfs:// or http(s)://"
        yield Problem(key, f"{rule}, found {uri!r}")
    elif uri.startswith("pvc://") and not kubernetes_types.is_label(claim):
        yield Problem(key, f"{claim!r} is not a valid name of a PersistentVolumeClaim")
    elif re.search(r"//[^/@]*:[^/@]*@", uri):
        yield Problem(key, "contains a password", "Give the service account access instead.")


def whole_percent(spec: DeploymentSpec, target: str) -> int:
    """Returns the canary's percentage, for targets that split traffic themselves.

    Args:
      spec: the deployment.
      target: the target's name, for error messages.

    Raises:
      ConfigError: it is not a whole number, or the canary has no folder of its own.
    """
    percent = spec.state.canary_percent if spec.has_canary else 0
    if percent != int(percent):
        message = f"must be a whole number for {target}, found {percent:g}"
        raise ConfigError(Problem("canary-percent", message))
    if percent and spec.canary_uri is None:
        message = f"is not given, and {target} splits traffic between folders"
        remedy = "Give a folder that contains only the canary's version."
        raise ConfigError(Problem("canary-uri", message, remedy))
    return int(percent)


def _resource_problems(spec: DeploymentSpec) -> Iterator[Problem]:
    cpu, memory = spec.cpu, spec.memory
    if not (kubernetes_types.is_cpu(cpu) and _within(cpu, _CORES)):
        yield Problem("cpu", f"must be cores from 50m to 256, found {cpu!r}")
    # Docker Compose, which takes the same value, has no other binary units.
    is_memory = kubernetes_types.is_memory(memory) and memory.endswith(("Mi", "Gi"))
    if not (is_memory and _within(memory, _BYTES)):
        yield Problem("memory", f"must be from 128Mi to 4096Gi, found {memory!r}")
    if not 1 <= spec.min_replicas <= spec.max_replicas <= 1000:
        rule = "must be 1 <= min <= max <= 1000"
        yield Problem("replicas", f"{rule}, found {spec.min_replicas} and {spec.max_replicas}")
    if not 0 <= spec.state.canary_percent <= 100:
        found = f"{spec.state.canary_percent:g}"
        yield Problem("canary-percent", f"must be from 0 to 100, found {found}")


def _within(quantity: str, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= kubernetes_types.amount(quantity) <= bounds[1]
