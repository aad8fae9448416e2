"""Plans to write and check: the bundled pipeline, and one that uses every key."""

from __future__ import annotations

import json
import pathlib

from tfx_pipeline import load_config
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.ir import data_uri
from tfx_pipeline.ir.manifest import Manifest, Node, Parameter
from tfx_pipeline.orchestrators.kubeflow.plan import Plan, make_plan

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = REPOSITORY / "tests" / "golden"
IMAGE = "registry.example/team/taxi:1.0"
SOURCE = data_uri.PREFIX + "SGVsbG8="

EVERYTHING = {
    "service_account": "runner",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry"],
    "env": {"AWS_ENDPOINT_URL": "http://minio:9000"},
    "secrets": [
        {"name": "mysql", "env": {"TFX_PIPELINE_METADATA_PASSWORD": "password"}},
        {"name": "gcs", "mount_path": "/secrets/gcs"},
    ],
    "volumes": [
        {"claim": "data", "mount_path": "/data", "sub_path": "taxi"},
        {"claim": "models", "mount_path": "/models"},
    ],
    "step": {
        "cpu": {"request": "500m", "limit": 2},
        "memory": {"request": "1Gi", "limit": "4Gi"},
        "retries": {"count": 3, "backoff": "1m", "factor": 2, "max_duration": "1d"},
        "timeout": "2h",
        "node_selector": {"pool": "general"},
        "tolerations": [
            {"key": "spot", "operator": "Exists", "effect": "NoExecute", "seconds": 60}
        ],
    },
    "nodes": {
        "Trainer": {
            "gpu": {"type": "nvidia.com/gpu", "count": 2},
            "memory": {"request": "8Gi", "limit": "16Gi"},
            "node_selector": {"pool": "gpu"},
        }
    },
    "exit_handler": {
        "image": "curlimages/curl:8.10.1",
        "command": ["curl"],
        "args": ["-d", '{"run": "{run_id}", "status": {status}}', "https://chat.example/hook"],
    },
    "schedule": {"cron": "0 6 * * 1-5", "parameters": {"steps": 500}},
}


def manifest() -> Manifest:
    """The bundled pipeline's golden manifest."""
    document = json.loads((GOLDEN / "manifest.json").read_text())
    return Manifest.model_validate({**document, "ir_sha256": "0" * 64})


def bundled() -> Plan:
    """The bundled example with its own `kubeflow:` section."""
    return make_plan(manifest(), load_config(REPOSITORY / "pipeline.yaml").kubeflow, IMAGE, SOURCE)


def everything() -> Plan:
    """The bundled example with every key of the section set."""
    return make_plan(manifest(), Kubeflow.model_validate(EVERYTHING), IMAGE, SOURCE)


def with_parameters(**parameters: Parameter) -> Plan:
    """Two nodes; the first reads all of these runtime parameters."""
    read = {name: p.model_copy(update={"nodes": ("First",)}) for name, p in parameters.items()}
    command = ("python", "-m", "tfx_pipeline.node", "--node")
    nodes = (
        Node(id="First", type="First", command=(*command, "First"), downstream=("Second",)),
        Node(id="Second", type="Second", command=(*command, "Second"), upstream=("First",)),
    )
    small = manifest().model_copy(update={"nodes": nodes, "parameters": read})
    return make_plan(small, Kubeflow(), IMAGE, SOURCE)
