"""Checks of a ModelServerConfig, with TensorFlow Serving's messages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.protocol.status_codes import invalid
from tfx_pipeline.storage.layout import is_remote


def check_models(config: Any) -> dict[str, Any]:
    """Returns the ModelConfigs of a ModelServerConfig by name.

    Raises:
      ServingError: TensorFlow Serving would refuse the configuration, or the local
        server does not support it.
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
        if not (os.path.isabs(model.base_path) or is_remote(model.base_path)):
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
        models[model.name] = model
    return models


def check_labels(models: Mapping[str, Any], available: Mapping[str, set[int]]) -> None:
    """Checks that labels point to available versions.

    Args:
      models: ModelConfigs by name.
      available: the available versions by model.

    Raises:
      ServingError: a label points to a version that is not available.
    """
    for model in models.values():
        for version in model.version_labels.values():
            if version not in available.get(model.name, ()):
                raise ServingError(
                    "FAILED_PRECONDITION",
                    f"Request to assign label to version {version} of model {model.name}, "
                    "which is not currently available for inference",
                )
