"""Docker Compose: one server on one machine, beside the push folder."""

from __future__ import annotations

import os
from typing import Any

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.deploy import common
from tfx_pipeline.serving.deploy.spec import GRPC_PORT, REST_PORT, USER, DeploymentSpec
from tfx_pipeline.storage.layout import is_remote


def documents(spec: DeploymentSpec) -> dict[str, Any]:
    """Returns the contents of the files by name.

    Raises:
      ConfigError: the models are on an object store.
    """
    if is_remote(spec.push_dir):
        remedy = "Copy the versions to a folder, or use the target kserve, which downloads models."
        raise ConfigError(Problem("push_dir", f"Compose cannot mount {spec.push_dir}", remedy))
    return {
        "compose.yaml": [{"name": spec.model, "services": {"serving": _service(spec)}}],
        common.MODELS_CONFIG: common.models_config(spec),
        common.MONITORING_CONFIG: common.MONITORING_TEXT,
    }


def _service(spec: DeploymentSpec) -> dict[str, Any]:
    return {
        "image": spec.image,
        # The image's own entry point takes the name of one model, not a configuration.
        "entrypoint": ["tensorflow_model_server"],
        "command": common.FLAGS,
        "user": f"{USER}:{USER}",
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 - in the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "ports": [f"127.0.0.1:{port}:{port}" for port in (GRPC_PORT, REST_PORT)],
        "volumes": [
            _mount(os.path.abspath(spec.push_dir), f"{common.MODELS_FOLDER}/{spec.model}"),
            # The folder, not the files: a mounted file would stay the old one when replaced.
            _mount(".", common.CONFIG_FOLDER),
        ],
        "healthcheck": {
            # The image has neither curl nor a probe, but bash, which can open a port.
            "test": ["CMD", "bash", "-c", f"</dev/tcp/127.0.0.1/{REST_PORT}"],
            "interval": "10s",
            "timeout": "3s",
            "retries": 3,
            "start_period": "60s",
        },
        "deploy": {"resources": {"limits": _limits(spec)}},
        "stop_grace_period": "30s",
        "restart": "unless-stopped",
    }


def _mount(source: str, target: str) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": True}


def _limits(spec: DeploymentSpec) -> dict[str, str]:
    """Returns Kubernetes' quantities in the units of Compose."""
    cpu = spec.cpu
    cpus = f"{int(cpu[:-1]) / 1000:g}" if cpu.endswith("m") else cpu
    memory = spec.memory.replace("Gi", "g").replace("Mi", "m")
    return {"cpus": cpus, "memory": memory}
