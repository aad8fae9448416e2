"""`tfx-pipeline serve` before any server starts."""

from __future__ import annotations

import os
import socket
import sys

import pytest

FAKE = f"#!{sys.executable}\nimport sys\nprint(*sys.argv[1:], sep='\\n')\n"


@pytest.fixture
def model_server(tmp_path, monkeypatch):
    """A tensorflow_model_server that prints its flags; the real one is no Python package."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "tensorflow_model_server").write_text(FAKE)
    (folder / "tensorflow_model_server").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_tensorflow_serving_gets_its_own_flags(model_server, tfx_pipeline, tmp_path):
    done = tfx_pipeline(
        "serve", "--model_name=shop", "--model_base_path", tmp_path, "--port", "18500",
        "--rest_api_port=18501", "--enable_batching", "--file_system_poll_wait_seconds", "5",
        "--monitoring-config-file", "monitoring.config",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [
        "--enable_batching=true",
        "--file_system_poll_wait_seconds=5",
        f"--model_base_path={tmp_path}",
        "--model_name=shop",
        "--monitoring_config_file=monitoring.config",
        "--port=18500",
        "--rest_api_port=18501",
        "--rest_api_timeout_in_ms=30000",
    ]
    assert "Starting " in done.stderr


def test_without_flags_what_the_project_pushes(model_server, tfx_pipeline, shop):
    done = tfx_pipeline("serve", "--config", shop)
    config = shop.parent / "build" / "serving" / "shop.config"
    assert f"--model_config_file={config}" in done.stdout.splitlines()
    assert "--allow_version_labels_for_unavailable_models=true" in done.stdout.splitlines()
    assert f'base_path: "{shop.parent}/build/serving/shop"' in config.read_text()


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (None, (), "--model-base-path: is not given, and there is no "),
        (None, ("--model-config-file", "none"), "none: cannot be read: No such file"),
        ("model {", ("--model-config-file", "file"), "file: is not a ModelServerConfig: 1:1 : "),
        (None, ("--model-base-path", "x", "--enable-batching"), "does not batch requests"),
        (None, ("--model-base-path", "x", "--enable_batching=true"), "does not batch requests"),
        (None, ("--port", "70000"), "--port"),
        ("x", ("--model-base-path", "x", "--monitoring-config-file", "file"), "MonitoringConfig"),
    ],
)
def test_wrong_usage(tfx_pipeline, tmp_path, project, text, arguments, message):
    if text:
        (tmp_path / "file").write_text(text)
    env = {**os.environ, "PYTHONPATH": str(project)}
    done = tfx_pipeline("serve", "--local", *arguments, cwd=tmp_path, env=env)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_said_at_once(tfx_pipeline, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for option in ("--port", "--rest-api-port"):
            done = tfx_pipeline("serve", "--local", "--model-base-path", tmp_path, option, port)
            assert done.returncode == 2
            assert f"{option}: port {port} cannot be used" in done.stderr


@pytest.mark.tensorflow
def test_a_refused_configuration(tfx_pipeline, tmp_path):
    (tmp_path / "models").write_text('model_config_list { config { name: "x" base_path: "y" } }')
    done = tfx_pipeline("serve", "--local", "--model-config-file", tmp_path / "models",
                        "--port", "0", "--rest-api-port", "0")  # fmt: skip
    assert done.returncode == 2
    assert "Expected model x to have an absolute path" in done.stderr
