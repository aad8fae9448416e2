"""What the targets share: labels, security, TensorFlow Serving's flags and files."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format

from tfx_pipeline.serving.deploy.spec import GRPC_PORT, REST_PORT, USER, DeploymentSpec
from tfx_pipeline.serving.rollout.traffic_state import Traffic

MODELS_FOLDER = "/models"
CONFIG_FOLDER = "/etc/serving"
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
    f"--model_config_file={CONFIG_FOLDER}/{MODELS_CONFIG}",
    "--model_config_file_poll_wait_seconds=10",
    "--allow_version_labels_for_unavailable_models=true",
    f"--monitoring_config_file={CONFIG_FOLDER}/{MONITORING_CONFIG}",
]


def models_config(spec: DeploymentSpec) -> str:
    """Returns the ModelServerConfig, with the path inside the container."""
    base_path = f"{MODELS_FOLDER}/{spec.model}"
    config = Traffic(model=spec.model, base_path=base_path, state=spec.state).config()
    return text_format.MessageToString(config, as_utf8=True)


def metadata(spec: DeploymentSpec) -> dict[str, Any]:
    """Returns name, namespace and labels of an object."""
    labels = {**selector(spec), "app.kubernetes.io/managed-by": "tfx-pipeline"}
    return {"name": spec.model, "namespace": spec.namespace, "labels": labels}


def selector(spec: DeploymentSpec) -> dict[str, str]:
    """Returns the labels that select the server's pods."""
    return {"app.kubernetes.io/name": spec.model, "app.kubernetes.io/component": "serving"}


def pod_security() -> dict[str, Any]:
    """Returns the security context of a pod: an unprivileged user."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """Returns the security context of a container: no privileges, a read-only file system."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
