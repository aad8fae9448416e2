"""Docker Compose: one server on one machine, beside the push folder."""

from __future__ import annotations

import os
from typing import Any

from tfx_pipeline.serving.deploy import common as parts
from tfx_pipeline.serving.deploy.spec import GRPC_PORT, REST_PORT, USER, Plan


def documents(plan: Plan) -> dict[str, Any]:
    return {
        "compose.yaml": [{"name": plan.model, "services": {"serving": _service(plan)}}],
        parts.MODELS_CONFIG: parts.models_config(plan),
        parts.MONITORING_CONFIG: parts.MONITORING_TEXT,
    }


def _service(plan: Plan) -> dict[str, Any]:
    return {
        "image": plan.image,
        # The image's own entry point takes one model's name and no configuration.
        "entrypoint": ["tensorflow_model_server"],
        "command": parts.FLAGS,
        "user": f"{USER}:{USER}",
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 - in the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "ports": [f"127.0.0.1:{port}:{port}" for port in (GRPC_PORT, REST_PORT)],
        "volumes": [
            _mount(os.path.abspath(plan.push_dir), f"{parts.MODELS}/{plan.model}"),
            # The folder, not the files: a file that is replaced stays the old one inside.
            _mount(".", parts.CONFIG),
        ],
        "healthcheck": _healthcheck(),
        "deploy": {"resources": {"limits": _limits(plan)}},
        "stop_grace_period": "30s",
        "restart": "unless-stopped",
    }


def _mount(source: str, target: str) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": True}


def _healthcheck() -> dict[str, Any]:
    """The image has neither curl nor a probe, but bash, which can open a port."""
    test = ["CMD", "bash", "-c", f"</dev/tcp/127.0.0.1/{REST_PORT}"]
    return {
        "test": test,
        "interval": "10s",
        "timeout": "3s",
        "retries": 3,
        "start_period": "60s",
    }


def _limits(plan: Plan) -> dict[str, str]:
    cpu = plan.cpu
    cpus = f"{int(cpu[:-1]) / 1000:g}" if cpu.endswith("m") else cpu
    memory = plan.memory.replace("Gi", "g").replace("Mi", "m")
    return {"cpus": cpus, "memory": memory}
