"""Seldon Core 1: a SeldonDeployment with a stable predictor and a canary."""

from __future__ import annotations

from typing import Any

from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE
from tfx_pipeline.serving.deploy import common
from tfx_pipeline.serving.deploy.spec import DeploymentSpec, whole_percent


def documents(spec: DeploymentSpec) -> dict[str, Any]:
    """Returns the contents of the files by name.

    Raises:
      ConfigError: Seldon cannot express the canary's share.
    """
    percent = whole_percent(spec, "Seldon")
    shares = {STABLE: 100 - percent, CANARY: percent}
    predictors = [_predictor(spec, name, traffic) for name, traffic in shares.items()]
    document = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": common.metadata(spec),
        "spec": {"protocol": "tensorflow", "predictors": predictors},
    }
    return {"seldondeployment.yaml": [document]}


def _predictor(spec: DeploymentSpec, name: str, traffic: int) -> dict[str, Any]:
    container = {
        # Named as the node of the graph, so that Seldon completes it and keeps its image.
        "name": spec.model,
        "image": spec.image,
        "resources": spec.resources,
        "securityContext": common.container_security(),
    }
    pod = {"securityContext": common.pod_security(), "containers": [container]}
    return {
        "name": name,
        "traffic": traffic,
        "replicas": spec.min_replicas if name == STABLE else 1,
        "graph": {
            "name": spec.model,
            "implementation": "TENSORFLOW_SERVER",
            "modelUri": (name == CANARY and spec.canary_uri) or spec.uri,
        },
        "componentSpecs": [{"spec": pod}],
    }
