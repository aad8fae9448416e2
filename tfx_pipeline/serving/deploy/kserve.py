"""KServe: an InferenceService, whose newest revision gets the canary's share."""

from __future__ import annotations

from typing import Any

from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE
from tfx_pipeline.serving.deploy import common as parts
from tfx_pipeline.serving.deploy.spec import VERSION, Plan, whole_percent


def documents(plan: Plan) -> dict[str, Any]:
    """Raises:
    ConfigError: the canary's share cannot be said in KServe.
    """
    percent = whole_percent(plan, "KServe")
    predictor: dict[str, Any] = {
        **({"canaryTrafficPercent": percent} if percent else {}),
        "minReplicas": plan.min_replicas,
        "maxReplicas": plan.max_replicas,
        "annotations": _version(plan),
        "automountServiceAccountToken": False,
        "securityContext": parts.pod_security(),
        "model": _model(plan, plan.canary_uri if percent else plan.uri),
    }
    document = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": parts.metadata(plan),
        "spec": {"predictor": predictor},
    }
    return {"inferenceservice.yaml": [document]}


def _version(plan: Plan) -> dict[str, str]:
    """Another version makes another revision, which is what KServe shares traffic between."""
    labels = plan.state.labels
    version = labels.get(CANARY, labels.get(STABLE))
    return {"tfx-pipeline/version": str(version) if version else "latest"}


def _model(plan: Plan, uri: str | None) -> dict[str, Any]:
    return {
        "modelFormat": {"name": "tensorflow", "version": "2"},
        "protocolVersion": "v1",
        "runtimeVersion": plan.image.rpartition(":")[2] if ":" in plan.image else VERSION,
        "storageUri": uri,
        "resources": plan.resources,
        "securityContext": parts.container_security(),
    }
