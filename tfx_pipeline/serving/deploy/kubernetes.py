"""Plain Kubernetes: Deployment, Service, HorizontalPodAutoscaler and their configuration."""

from __future__ import annotations

import hashlib
from typing import Any

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.deploy import common
from tfx_pipeline.serving.deploy.spec import GRPC_PORT, REST_PORT, DeploymentSpec

_CPU_PERCENT = 70


def documents(spec: DeploymentSpec) -> dict[str, Any]:
    """Returns the contents of the files by name.

    Raises:
      ConfigError: the models are not on a PersistentVolumeClaim, which a pod can mount.
    """
    if not spec.uri.startswith("pvc://"):
        remedy = "Give pvc://CLAIM/PATH, or use the target kserve, which downloads models."
        raise ConfigError(Problem("model-uri", f"a pod cannot mount {spec.uri}", remedy))
    objects = [_config_map(spec), _deployment(spec), _service(spec), _autoscaler(spec)]
    return {"serving.yaml": objects}


def _config_map(spec: DeploymentSpec) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": common.metadata(spec),
        "data": {
            common.MODELS_CONFIG: common.models_config(spec),
            common.MONITORING_CONFIG: common.MONITORING_TEXT,
        },
    }


def _deployment(spec: DeploymentSpec) -> dict[str, Any]:
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(REST_PORT),
        "prometheus.io/path": "/monitoring/prometheus/metrics",
        # The server reads this file only at start: a change must replace the pods.
        "tfx-pipeline/monitoring": hashlib.sha256(common.MONITORING_TEXT.encode()).hexdigest()[:16],
    }
    pod_metadata = {"labels": common.selector(spec), "annotations": annotations}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": common.metadata(spec),
        "spec": {
            "selector": {"matchLabels": common.selector(spec)},
            # A new pod is ready before an old one is stopped.
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": pod_metadata, "spec": _pod(spec)},
        },
    }


def _pod(spec: DeploymentSpec) -> dict[str, Any]:
    claim, _ = spec.claim
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": common.pod_security(),
        "containers": [_container(spec)],
        "volumes": [
            {"name": "models", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}},
            {"name": "config", "configMap": {"name": spec.model}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        ],
    }


def _container(spec: DeploymentSpec) -> dict[str, Any]:
    _, path = spec.claim
    models = {
        "name": "models",
        "mountPath": f"{common.MODELS_FOLDER}/{spec.model}",
        "readOnly": True,
    }
    if path:
        models["subPath"] = path
    return {
        "name": "serving",
        "image": spec.image,
        "command": ["tensorflow_model_server"],
        "args": list(common.FLAGS),
        "ports": [
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "http", "containerPort": REST_PORT},
        ],
        "resources": spec.resources,
        "securityContext": common.container_security(),
        "volumeMounts": [
            models,
            {"name": "config", "mountPath": common.CONFIG_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
        ],
        **_probes(spec),
    }


def _probes(spec: DeploymentSpec) -> dict[str, Any]:
    # The HTTP status is 404 until the model is loaded.
    model_status = {"httpGet": {"path": f"/v1/models/{spec.model}", "port": "http"}}
    return {
        "startupProbe": {**model_status, "periodSeconds": 2, "failureThreshold": 150},
        "readinessProbe": {**model_status, "periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": {"tcpSocket": {"port": "grpc"}, "periodSeconds": 10},
        # In these seconds the endpoints are updated, so no request goes to a pod that stops.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "10"]}}},
    }


def _service(spec: DeploymentSpec) -> dict[str, Any]:
    ports = [
        {"name": name, "port": port, "targetPort": name, "appProtocol": protocol}
        for name, port, protocol in (
            ("grpc", GRPC_PORT, "kubernetes.io/h2c"),
            ("http", REST_PORT, "http"),
        )
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": common.metadata(spec),
        "spec": {"selector": common.selector(spec), "ports": ports},
    }


def _autoscaler(spec: DeploymentSpec) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": _CPU_PERCENT}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": common.metadata(spec),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.model},
            "minReplicas": spec.min_replicas,
            "maxReplicas": spec.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
