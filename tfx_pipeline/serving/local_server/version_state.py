"""What the manager knows of a model and of each of its versions."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.versions import Found
from tfx_pipeline.serving.protocol.status_codes import NUMBERS

DEFAULT_SIGNATURE = "serving_default"

LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"


@dataclasses.dataclass
class Loaded:
    """A version, from its first sight on disk to its end.

    Attributes:
      servable: what answers; only while the state is AVAILABLE or UNLOADING.
      requests: how many are being answered.
      error: why it could not be loaded.
    """

    model: str
    version: int
    found: Found
    servable: Any = None
    state: str = LOADING
    requests: int = 0
    error: ServingError | None = None


@dataclasses.dataclass
class Model:
    """A model and its versions.

    Attributes:
      config: its ModelConfig.
      labels: where its labels point now; each to a version that answers.
      warned: whether its base path was reported to be empty.
    """

    config: Any
    loaded: dict[int, Loaded] = dataclasses.field(default_factory=dict)
    labels: dict[str, int] = dataclasses.field(default_factory=dict)
    warned: bool = False

    def available(self) -> dict[int, Loaded]:
        return {v: one for v, one in self.loaded.items() if one.state == AVAILABLE}


def fill_status(status: Any, one: Loaded) -> None:
    """Fills a ModelVersionStatus."""
    status.version = one.version
    status.state = status.DESCRIPTOR.enum_types_by_name["State"].values_by_name[one.state].number
    status.status.SetInParent()  # TensorFlow Serving says OK in words
    if one.error:
        status.status.error_code = NUMBERS[one.error.code]
        status.status.error_message = one.error.message


def fill_spec(spec: Any, loaded: Loaded, signature: str = "") -> None:
    """Fills a response's ModelSpec: who has answered."""
    spec.name = loaded.model
    spec.version.value = loaded.version
    spec.signature_name = signature
