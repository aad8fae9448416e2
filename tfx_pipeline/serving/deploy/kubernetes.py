"""Plain Kubernetes: Deployment, Service, HorizontalPodAutoscaler and their configuration."""

from __future__ import annotations

import hashlib
from typing import Any

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.deploy import common as parts
from tfx_pipeline.serving.deploy.spec import GRPC_PORT, REST_PORT, Plan

_CPU_PERCENT = 70


def documents(plan: Plan) -> dict[str, Any]:
    """Raises:
    ConfigError: the models are not on a claim, which is what a pod can mount.
    """
    if not plan.uri.startswith("pvc://"):
        remedy = "Give pvc://CLAIM/PATH, or take the target kserve, which fetches models."
        raise ConfigError(Problem("model-uri", f"a pod cannot mount {plan.uri}", remedy))
    objects = [_config_map(plan), _deployment(plan), _service(plan), _autoscaler(plan)]
    return {"serving.yaml": objects}


def _files(plan: Plan) -> dict[str, str]:
    return {
        parts.MODELS_CONFIG: parts.models_config(plan),
        parts.MONITORING_CONFIG: parts.MONITORING_TEXT,
    }


def _config_map(plan: Plan) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": parts.metadata(plan),
        "data": _files(plan),
    }


def _deployment(plan: Plan) -> dict[str, Any]:
    spec = {
        "selector": {"matchLabels": parts.selector(plan)},
        # A new pod answers before an old one goes.
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": _pod_metadata(plan), "spec": _pod(plan)},
    }
    metadata = parts.metadata(plan)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _pod_metadata(plan: Plan) -> dict[str, Any]:
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(REST_PORT),
        "prometheus.io/path": "/monitoring/prometheus/metrics",
        # What is not polled again takes a new pod.
        "tfx-pipeline/monitoring": hashlib.sha256(parts.MONITORING_TEXT.encode()).hexdigest()[:16],
    }
    return {"labels": parts.selector(plan), "annotations": annotations}


def _pod(plan: Plan) -> dict[str, Any]:
    claim, _ = plan.claim
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": parts.pod_security(),
        "containers": [_container(plan)],
        "volumes": [
            {"name": "models", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}},
            {"name": "config", "configMap": {"name": plan.model}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        ],
    }


def _container(plan: Plan) -> dict[str, Any]:
    _, path = plan.claim
    models = {"name": "models", "mountPath": f"{parts.MODELS}/{plan.model}", "readOnly": True}
    if path:
        models["subPath"] = path
    return {
        "name": "serving",
        "image": plan.image,
        "command": ["tensorflow_model_server"],
        "args": list(parts.FLAGS),
        "ports": [
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "http", "containerPort": REST_PORT},
        ],
        "resources": plan.resources,
        "securityContext": parts.container_security(),
        "volumeMounts": [
            models,
            {"name": "config", "mountPath": parts.CONFIG, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
        ],
        **_probes(plan),
    }


def _probes(plan: Plan) -> dict[str, Any]:
    # The status of a model that is not loaded yet is 404.
    answers = {"httpGet": {"path": f"/v1/models/{plan.model}", "port": "http"}}
    return {
        "startupProbe": {**answers, "periodSeconds": 2, "failureThreshold": 150},
        "readinessProbe": {**answers, "periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": {"tcpSocket": {"port": "grpc"}, "periodSeconds": 10},
        # Endpoints are updated meanwhile, so nobody is sent to a pod that is going.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "10"]}}},
    }


def _service(plan: Plan) -> dict[str, Any]:
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
        "metadata": parts.metadata(plan),
        "spec": {"selector": parts.selector(plan), "ports": ports},
    }


def _autoscaler(plan: Plan) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": _CPU_PERCENT}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": parts.metadata(plan),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": plan.model},
            "minReplicas": plan.min_replicas,
            "maxReplicas": plan.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
