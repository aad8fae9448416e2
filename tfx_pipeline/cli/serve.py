"""`tfx-pipeline serve`: starts TensorFlow Serving, or the local server with the same APIs."""

from __future__ import annotations

import logging
import os
import pathlib
import shutil
import sys
import warnings
from typing import Any, NoReturn

import click

from tfx_pipeline import terminal
from tfx_pipeline.cli import serve_flags
from tfx_pipeline.cli.serve_flags import MODEL_SERVER, flag
from tfx_pipeline.compat import lazy_imports
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.local_server import ports
from tfx_pipeline.serving.local_server.log_format import OneLineFormatter
from tfx_pipeline.serving.rollout import model_server_config, traffic_state
from tfx_pipeline.storage import files, s3

_METRICS_PATH = "/monitoring/prometheus/metrics"
_PROJECT_POLL_SECONDS = 1
_LABELS = "allow_version_labels_for_unavailable_models"


@click.command("serve")
@flag("model_name", metavar="NAME", help="The name that clients use.")
@flag("model_base_path", metavar="DIR", help="The folder that contains the versions.")
@flag(
    "port",
    type=click.IntRange(0, 65535),
    default=8500,
    show_default=True,
    help="The port of gRPC; 0 disables it.",
)
@flag(
    "rest_api_port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    help="The port of REST; 0 disables it.",
)
@flag(
    "model_config_file",
    metavar="FILE",
    help="A ModelServerConfig: models, version policies and labels.",
)
@flag(
    "model_config_file_poll_wait_seconds",
    type=click.IntRange(0),
    help="Seconds between two reads of that file; 0 reads it once.",
)
@flag(
    "file_system_poll_wait_seconds",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Seconds between two looks for new versions; 0 looks once.",
)
@flag("monitoring_config_file", metavar="FILE", help="A MonitoringConfig for Prometheus.")
@flag(
    "rest_api_timeout_in_ms",
    type=click.IntRange(1),
    default=30000,
    show_default=True,
    help="The time after which a REST client receives 504.",
)
@flag(
    "enable_model_warmup",
    default="true",
    type=bool,
    help="Run a model's warm-up requests when it is loaded (the default).",
)
@flag(
    "num_request_iterations_for_warmup",
    type=click.IntRange(0),
    default=0,
    help="How often each warm-up request is run; 0 means once.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address that the local server listens on.",
)
@click.option(
    "--max-pending-requests",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many requests may wait in the local server; more are refused.",
)
@click.option(
    "--local", is_flag=True, help=f"Start the local server, even if {MODEL_SERVER} is installed."
)
@click.option(
    "--config",
    default="pipeline.yaml",
    show_default=True,
    metavar="FILE",
    help="The configuration; used if no flag names a model.",
)
@serve_flags.more_flags
def command(**flags: Any) -> None:
    """Serve pushed models over TensorFlow Serving's gRPC and REST APIs.

    Starts TensorFlow Serving if tensorflow_model_server is installed. Otherwise
    starts the local server, which has the same gRPC and REST APIs and is meant
    for development and tests.

    Without --model-base-path and --model-config-file, serves the model that
    pipeline.yaml pushes. All flags of TensorFlow Serving are accepted, with dashes
    and with underscores; the local server refuses those that it does not support,
    for example --enable-batching.
    """
    models = _models(flags)
    server = None if flags["local"] else shutil.which(MODEL_SERVER)
    if server:
        _ensure_readable_by_tensorflow_serving(models)
        _become(server, models, flags)
    serve_flags.ensure_supported(flags)
    _serve_here(models, flags)


def _models(flags: dict[str, Any]) -> dict[str, str]:
    """Returns TensorFlow Serving's flags that name the models to serve."""
    if flags["model_config_file"]:
        seconds = flags["model_config_file_poll_wait_seconds"] or 0
        return _config_flags(flags["model_config_file"], seconds)
    if flags["model_base_path"]:
        path = flags["model_base_path"]
        name = flags["model_name"] or "default"
        return {"model_name": name, "model_base_path": files.absolute(path)}
    return _project_models(flags)


def _config_flags(path: str, seconds: int) -> dict[str, str]:
    return {"model_config_file": path, "model_config_file_poll_wait_seconds": str(seconds)}


def _project_models(flags: dict[str, Any]) -> dict[str, str]:
    if not pathlib.Path(flags["config"]).exists():
        raise ConfigError(
            Problem(
                "--model-base-path",
                f"is not given, and there is no {flags['config']} that names a model",
                "Give --model-name and --model-base-path.",
            )
        )
    config = load_config(flags["config"])
    found = traffic_state.load(flags["model_name"] or config.model_name, config.push_dir)
    found.write_config()
    seconds = flags["model_config_file_poll_wait_seconds"]
    seconds = _PROJECT_POLL_SECONDS if seconds is None else seconds
    # No version is loaded yet when TensorFlow Serving reads the labels for the first time.
    return {**_config_flags(str(found.config_file), seconds), _LABELS: "true"}


def _ensure_readable_by_tensorflow_serving(models: dict[str, str]) -> None:
    for path in models.values():
        if s3.is_s3(path):
            remedy = "Add --local, or copy the versions to a folder of this machine."
            message = f"{MODEL_SERVER} cannot read {path}: since version 2.7 it has no S3"
            raise ConfigError(Problem("serve", message, remedy))


def _become(server: str, models: dict[str, str], flags: dict[str, Any]) -> NoReturn:
    """Replaces this process with TensorFlow Serving."""
    names = ("port", "rest_api_port", "file_system_poll_wait_seconds", "rest_api_timeout_in_ms")
    passed_on = {**models, **{name: flags[name] for name in names}}
    if flags["monitoring_config_file"]:
        passed_on["monitoring_config_file"] = flags["monitoring_config_file"]
    if not flags["enable_model_warmup"]:
        passed_on["enable_model_warmup"] = "false"
    if flags["num_request_iterations_for_warmup"]:
        name = "num_request_iterations_for_warmup"
        passed_on[name] = flags[name]
    passed_on |= serve_flags.given(flags)
    arguments = [f"--{name}={value}" for name, value in passed_on.items()]
    terminal.stderr().print(f"Starting {server} {' '.join(arguments)}")
    sys.stderr.flush()
    os.execv(server, [server, *arguments])  # noqa: S606 - no shell is what we want


def _serve_here(models: dict[str, str], flags: dict[str, Any]) -> None:
    path = models.get("model_config_file")
    config = (
        model_server_config.read(path)
        if path
        else model_server_config.single(models["model_name"], models["model_base_path"])
    )
    metrics_path = _metrics_path(flags["monitoring_config_file"])
    host = flags["host"].removeprefix("[").removesuffix("]")  # of an IPv6 address
    for option in ("port", "rest_api_port"):
        if flags[option]:
            ports.ensure_free(f"--{option.replace('_', '-')}", host, flags[option])
    why = "" if shutil.which(MODEL_SERVER) else f"; {MODEL_SERVER} is not installed"
    terminal.stderr().print(
        f"Starting the local server, for development and tests on one machine{why}. "
        "Loading TensorFlow ..."
    )
    if ignored := serve_flags.ignored(flags):
        terminal.stderr().print(f"The local server ignores: {', '.join(ignored)}")
    _quieten()
    with lazy_imports.importing():
        from tfx_pipeline.serving.local_server.server import Server, Settings

    settings = Settings(
        config=config,
        host=host,
        port=flags["port"],
        rest_api_port=flags["rest_api_port"],
        model_config_file=path,
        model_config_file_poll_wait_seconds=int(
            models.get("model_config_file_poll_wait_seconds", 0)
        ),
        file_system_poll_wait_seconds=flags["file_system_poll_wait_seconds"],
        rest_api_timeout_in_ms=flags["rest_api_timeout_in_ms"],
        metrics_path=metrics_path,
        max_pending_requests=flags["max_pending_requests"],
        enable_model_warmup=flags["enable_model_warmup"],
        num_request_iterations_for_warmup=flags["num_request_iterations_for_warmup"],
        **{_LABELS: models.get(_LABELS) == "true", **serve_flags.supported(flags)},
    )
    Server(settings).run()


def _metrics_path(file: str | None) -> str | None:
    """Returns the path of the metrics; None if a monitoring configuration disables them."""
    if file is None:
        return _METRICS_PATH
    prometheus = model_server_config.read_monitoring(file).prometheus_config
    return (prometheus.path or _METRICS_PATH) if prometheus.enable else None


def _quieten() -> None:
    """Logs the server's own lines to standard error, and only errors of TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    prepare_environment()
    handler = logging.StreamHandler()
    handler.setFormatter(OneLineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    warnings.simplefilter("ignore", FutureWarning)
    import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)
