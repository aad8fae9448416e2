"""Seldon Core 1: a SeldonDeployment with a stable predictor and a canary."""

from __future__ import annotations

from typing import Any

from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE
from tfx_pipeline.serving.deploy import common as parts
from tfx_pipeline.serving.deploy.spec import Plan, whole_percent


def documents(plan: Plan) -> dict[str, Any]:
    """Raises:
    ConfigError: the canary's share cannot be said in Seldon.
    """
    percent = whole_percent(plan, "Seldon")
    shares = {STABLE: 100 - percent, CANARY: percent}
    predictors = [_predictor(plan, name, traffic) for name, traffic in shares.items()]
    document = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": parts.metadata(plan),
        "spec": {"protocol": "tensorflow", "predictors": predictors},
    }
    return {"seldondeployment.yaml": [document]}


def _predictor(plan: Plan, name: str, traffic: int) -> dict[str, Any]:
    container = {
        # Called as the graph's node: Seldon then completes it and keeps its image.
        "name": plan.model,
        "image": plan.image,
        "resources": plan.resources,
        "securityContext": parts.container_security(),
    }
    pod = {"securityContext": parts.pod_security(), "containers": [container]}
    return {
        "name": name,
        "traffic": traffic,
        "replicas": plan.min_replicas if name == STABLE else 1,
        "graph": {
            "name": plan.model,
            "implementation": "TENSORFLOW_SERVER",
            "modelUri": (name == CANARY and plan.canary_uri) or plan.uri,
        },
        "componentSpecs": [{"spec": pod}],
    }
