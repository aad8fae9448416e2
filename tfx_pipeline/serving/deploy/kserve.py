"""KServe: an InferenceService, whose newest revision receives the canary's share."""

from __future__ import annotations

from typing import Any

from tfx_pipeline.serving.client.traffic_split import CANARY, STABLE
from tfx_pipeline.serving.deploy import common
from tfx_pipeline.serving.deploy.spec import VERSION, DeploymentSpec, whole_percent


def documents(spec: DeploymentSpec) -> dict[str, Any]:
    """Returns the contents of the files by name.

    Raises:
      ConfigError: KServe cannot express the canary's share.
    """
    percent = whole_percent(spec, "KServe")
    version = spec.state.labels.get(CANARY, spec.state.labels.get(STABLE))
    predictor: dict[str, Any] = {
        **({"canaryTrafficPercent": percent} if percent else {}),
        "minReplicas": spec.min_replicas,
        "maxReplicas": spec.max_replicas,
        # KServe splits traffic between revisions: a new version must make a new revision.
        "annotations": {"tfx-pipeline/version": str(version) if version else "latest"},
        "automountServiceAccountToken": False,
        "securityContext": common.pod_security(),
        "model": {
            "modelFormat": {"name": "tensorflow", "version": "2"},
            "protocolVersion": "v1",
            "runtimeVersion": spec.image.rpartition(":")[2] if ":" in spec.image else VERSION,
            "storageUri": spec.canary_uri if percent else spec.uri,
            "resources": spec.resources,
            "securityContext": common.container_security(),
        },
    }
    document = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": common.metadata(spec),
        "spec": {"predictor": predictor},
    }
    return {"inferenceservice.yaml": [document]}
