"""The state of a served model and of each of its versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.version_discovery import VersionFolder
from tfx_pipeline.serving.protocol.status_codes import NUMBERS

DEFAULT_SIGNATURE = "serving_default"

LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"


@dataclasses.dataclass
class ServedVersion:
    """A version, from when it is found on disk until some time after it is unloaded.

    Attributes:
      model: the model's name.
      version: its number.
      folder: where it was found.
      servable: the loaded model; None unless the state is AVAILABLE or UNLOADING.
      state: LOADING, AVAILABLE, UNLOADING or END.
      requests: how many requests it is processing.
      error: why it could not be loaded.
      is_retired: whether it is no longer selected; if it is again, it is loaded again.
    """

    model: str
    version: int
    folder: VersionFolder
    servable: Any = None
    state: str = LOADING
    requests: int = 0
    error: ServingError | None = None
    is_retired: bool = False


@dataclasses.dataclass
class ServedModel:
    """A model and its versions.

    Attributes:
      config: its ModelConfig.
      versions: its versions by number.
      labels: the version that each label points to now; always an available one.
      warned: whether it was logged that the base path has no versions.
    """

    config: Any
    versions: dict[int, ServedVersion] = dataclasses.field(default_factory=dict)
    labels: dict[str, int] = dataclasses.field(default_factory=dict)
    warned: bool = False

    def available(self) -> dict[int, ServedVersion]:
        """Returns the versions that can process requests."""
        return {
            version: served
            for version, served in self.versions.items()
            if served.state == AVAILABLE
        }


def unavailable_error(models: Iterable[ServedModel]) -> ServingError | None:
    """Returns TensorFlow Serving's error for models with failed versions and no available one."""
    failed = [
        served
        for model in models
        if not model.available()
        for served in model.versions.values()
        if served.error and not served.is_retired
    ]
    if not failed:
        return None
    listed = "".join(
        f"{{{{name: {served.model} version: {served.version}}} due to error: {served.error}}}, "
        for served in failed
    )
    message = f"{len(failed)} model(s) did not become available: {{{listed}}}"
    return ServingError("UNKNOWN", message)


def fill_status(status: Any, served: ServedVersion) -> None:
    """Fills a ModelVersionStatus."""
    states = status.DESCRIPTOR.enum_types_by_name["State"].values_by_name
    status.version = served.version
    status.state = states[served.state].number
    status.status.SetInParent()  # TensorFlow Serving always sends it, also for OK
    if served.error:
        status.status.error_code = NUMBERS[served.error.code]
        status.status.error_message = served.error.message


def fill_model_spec(spec: Any, served: ServedVersion, signature: str = "") -> None:
    """Fills the ModelSpec of a response: which version and signature answered."""
    spec.name = served.model
    spec.version.value = served.version
    spec.signature_name = signature
