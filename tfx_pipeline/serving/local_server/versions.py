"""Which versions of a model there are, and which of them a policy wants."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.protocol.status_codes import invalid

_VERSION = re.compile(r"[0-9]{1,18}")

_MARKERS = ("saved_model.pb", "saved_model.pbtxt")


@dataclasses.dataclass(frozen=True)
class Found:
    """A version's folder.

    Attributes:
      stamp: changes whenever something in the folder does; None while it holds no
        SavedModel: a copy is under way.
    """

    path: str
    stamp: tuple[Any, ...] | None


def find(base_path: str) -> dict[int, Found] | None:
    """The versions below a base path, or None if it cannot be read."""
    try:
        entries = [entry for entry in os.scandir(base_path) if _VERSION.fullmatch(entry.name)]
    except OSError:
        return None
    return {int(entry.name): Found(entry.path, _stamp(entry.path)) for entry in entries}


def _stamp(folder: str) -> tuple[Any, ...] | None:
    if not any(os.path.exists(os.path.join(folder, name)) for name in _MARKERS):
        return None
    found = []
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.stat(os.path.join(path, name))
            except FileNotFoundError:
                continue
            found.append((path, name, status.st_size, status.st_mtime_ns))
    return tuple(sorted(found))


def aspired(policy: Any, found: Iterable[int]) -> set[int]:
    """The versions that a ServableVersionPolicy wants; without one, the latest.

    Specific versions are wanted whether or not they are found.
    """
    versions = sorted(found, reverse=True)
    if policy.HasField("all"):
        return set(versions)
    if policy.HasField("specific"):
        return set(policy.specific.versions)
    return set(versions[: max(policy.latest.num_versions, 1)])


def check_config(config: Any) -> dict[str, Any]:
    """The ModelConfigs of a ModelServerConfig by name.

    Raises:
      ServingError: TensorFlow Serving would refuse it, or the local server cannot do it.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest."
            " Only ModelConfigList is currently supported"
        )
    models: dict[str, Any] = {}
    for model in config.model_config_list.config:
        if model.name in models:
            raise invalid(f"Illegal to list model {model.name} multiple times in config list")
        _check_model(model)
        models[model.name] = model
    return models


def _check_model(model: Any) -> None:
    if not os.path.isabs(model.base_path):
        raise invalid(
            f"Expected model {model.name} to have an absolute path or URI; "
            f"got base_path()={model.base_path}"
        )
    if not model.model_platform and model.model_type != 1:
        raise invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) "
            f"nor ModelServerConfig::model_platform, model name is {model.name}"
        )
    if model.model_platform not in ("", "tensorflow"):
        raise ServingError(
            "FAILED_PRECONDITION",
            f"PlatformConfigMap has no entry for platform {model.model_platform}",
        )


def check_labels(models: Mapping[str, Any], available: Mapping[str, set[int]]) -> None:
    """Refuses a label for a version that is not there to answer.

    Raises:
      ServingError: as TensorFlow Serving does.
    """
    for model in models.values():
        for version in model.version_labels.values():
            if version not in available.get(model.name, ()):
                raise ServingError(
                    "FAILED_PRECONDITION",
                    f"Request to assign label to version {version} of model {model.name}, "
                    "which is not currently available for inference",
                )
