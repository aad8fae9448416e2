"""What several targets share: labels, security, TensorFlow Serving's flags and files."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format

from tfx_pipeline.serving.deploy.spec import GRPC_PORT, REST_PORT, USER, Plan
from tfx_pipeline.serving.rollout.traffic_state import Traffic

MODELS = "/models"
CONFIG = "/etc/serving"
MODELS_CONFIG, MONITORING_CONFIG = "models.config", "monitoring.config"

MONITORING_TEXT = """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

FLAGS = [
    f"--port={GRPC_PORT}",
    f"--rest_api_port={REST_PORT}",
    f"--model_config_file={CONFIG}/{MODELS_CONFIG}",
    "--model_config_file_poll_wait_seconds=10",
    "--allow_version_labels_for_unavailable_models=true",
    f"--monitoring_config_file={CONFIG}/{MONITORING_CONFIG}",
]


def models_config(plan: Plan) -> str:
    """TensorFlow Serving's configuration, with the path inside the container."""
    base_path = f"{MODELS}/{plan.model}"
    config = Traffic(model=plan.model, base_path=base_path, state=plan.state).config()
    return text_format.MessageToString(config, as_utf8=True)


def metadata(plan: Plan, **more: Any) -> dict[str, Any]:
    """Name, namespace and labels of an object."""
    labels = {**selector(plan), "app.kubernetes.io/managed-by": "tfx-pipeline"}
    return {"name": plan.model, "namespace": plan.namespace, "labels": labels, **more}


def selector(plan: Plan) -> dict[str, str]:
    return {"app.kubernetes.io/name": plan.model, "app.kubernetes.io/component": "serving"}


def pod_security() -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
