"""`tfx-pipeline serve` before any server starts."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from tfx_pipeline.cli.serve import command

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
        "--monitoring-config-file", "monitoring.config", "--saved-model-tags", "train,tpu",
        "--ssl_config_file", "tls.config", "--num-load-threads", "3",
        "--rest_api_enable_cors_support", "--flush_filesystem_caches=false",
        "--allow_version_labels_for_unavailable_models", "--rest-api-num-threads=4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_batching=true",
        "--file_system_poll_wait_seconds=5",
        "--flush_filesystem_caches=false",
        f"--model_base_path={tmp_path}",
        "--model_name=shop",
        "--monitoring_config_file=monitoring.config",
        "--num_load_threads=3",
        "--port=18500",
        "--rest_api_enable_cors_support=true",
        "--rest_api_num_threads=4",
        "--rest_api_port=18501",
        "--rest_api_timeout_in_ms=30000",
        "--saved_model_tags=train,tpu",
        "--ssl_config_file=tls.config",
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
        (None, ("--model-base-path", "x", "--enable-batching"),
         "--enable-batching: is not supported by the local server. Install "),
        (None, ("--model-base-path", "x", "--enable_batching=true"), "--enable-batching: is not"),
        (None, ("--model-base-path", "x", "--ssl_config_file=tls", "--use-alts-credentials"),
         "The command has 2 problems:\n  - --ssl-config-file: is not supported by the local"),
        (None, ("--model-base-path", "x", "--saved_model_tags", "train"), "--saved-model-tags: is"),
        (None, ("--model-base-path", "x", "--grpc_max_threads", "0"), "--grpc-max-threads"),
        (None, ("--model-base-path", "x", "--host", "no.such.host.invalid"), "--port: port 8500"),
        (None, ("--port", "70000"), "--port"),
        ("x", ("--model-base-path", "x", "--monitoring-config-file", "file"), "MonitoringConfig"),
    ],
)  # fmt: skip
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


def test_every_flag_of_tensorflow_serving_is_known():
    """The flags of tensorflow_model_server 2.16, without --version."""
    options = {option for parameter in command.params for option in parameter.opts}
    assert set(FLAGS.split()) - {option.removeprefix("--") for option in options} == set()


FLAGS = """
    allow_version_labels_for_unavailable_models batching_parameters_file enable_batching
    enable_grpc_healthcheck_service enable_model_warmup enable_per_model_batching_parameters
    enable_profiler enable_serialization_as_tensor_content enable_signature_method_name_check
    file_system_poll_wait_seconds flush_filesystem_caches grpc_channel_arguments grpc_max_threads
    grpc_socket_path load_retry_interval_micros max_num_load_retries mixed_precision
    model_base_path model_config_file model_config_file_poll_wait_seconds model_name
    monitoring_config_file num_load_threads num_request_iterations_for_warmup
    num_tflite_interpreters_per_pool num_tflite_pools num_unload_threads
    per_process_gpu_memory_fraction platform_config_file port prefer_tflite_model
    remove_unused_fields_from_bundle_metagraph rest_api_enable_cors_support rest_api_num_threads
    rest_api_port rest_api_timeout_in_ms saved_model_tags skip_initialize_tpu ssl_config_file
    tensorflow_inter_op_parallelism tensorflow_intra_op_parallelism
    tensorflow_session_config_file tensorflow_session_parallelism
    thread_pool_factory_config_file use_alts_credentials xla_cpu_compilation_enabled
    xla_gpu_compilation_enabled
"""
