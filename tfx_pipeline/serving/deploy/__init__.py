"""Manifests that serve a pushed model with TensorFlow Serving.

spec = DeploymentSpec(model="chicago-taxi", push_dir="build/serving/chicago-taxi")
for name, text in render("kubernetes", spec).items():
    ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx_pipeline.config.yaml_writer import dump
from tfx_pipeline.serving.deploy import compose, kserve, kubernetes, seldon
from tfx_pipeline.serving.deploy.spec import DeploymentSpec, ensure_valid

Documents = dict[str, list[dict[str, Any]] | str]
"""Contents of files by name: a list of YAML documents, or the text itself."""

TARGETS: dict[str, Callable[[DeploymentSpec], Documents]] = {
    "compose": compose.documents,
    "kubernetes": kubernetes.documents,
    "kserve": kserve.documents,
    "seldon": seldon.documents,
}


def render(target: str, spec: DeploymentSpec) -> dict[str, str]:
    """Returns the contents of a target's files, by name.

    Args:
      target: one of `TARGETS`.
      spec: the deployment.

    Raises:
      ConfigError: the deployment is not valid; the error lists all problems.
    """
    ensure_valid(spec)
    return {
        name: content if isinstance(content, str) else dump(content)
        for name, content in TARGETS[target](spec).items()
    }
