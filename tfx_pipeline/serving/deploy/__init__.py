"""What Docker Compose and Kubernetes run: TensorFlow Serving with a pushed model.

plan = Plan(model="chicago-taxi", push_dir="build/serving/chicago-taxi")
for name, text in render("kubernetes", plan).items():
    ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx_pipeline.config.yaml_writer import dump
from tfx_pipeline.serving.deploy import compose, kserve, kubernetes, seldon
from tfx_pipeline.serving.deploy.spec import Plan, checked

Documents = dict[str, list[dict[str, Any]] | str]
"""By file name: Kubernetes objects or other YAML documents, or a text as it is."""

TARGETS: dict[str, Callable[[Plan], Documents]] = {
    "compose": compose.documents,
    "kubernetes": kubernetes.documents,
    "kserve": kserve.documents,
    "seldon": seldon.documents,
}


def render(target: str, plan: Plan) -> dict[str, str]:
    """The texts of a target's files, by name.

    Raises:
      ConfigError: the plan is wrong; with all of its problems.
    """
    checked(plan)
    return {
        name: content if isinstance(content, str) else dump(content)
        for name, content in TARGETS[target](plan).items()
    }
