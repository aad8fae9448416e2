"""TensorFlow Serving's flags, beyond those that `tfx-pipeline serve` documents one by one.

TensorFlow Serving receives all of them. The local server supports some, ignores those
that change no answer, and refuses the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from tfx_pipeline.errors import ConfigError, Problem

MODEL_SERVER = "tensorflow_model_server"

Command = TypeVar("Command", bound=Callable[..., Any])

_SUPPORTED: dict[str, Any] = {
    "allow_version_labels_for_unavailable_models": bool,
    "grpc_max_threads": click.IntRange(1),
    "rest_api_enable_cors_support": bool,
    "rest_api_num_threads": click.IntRange(1),
}

_IGNORED: dict[str, Any] = {
    "enable_grpc_healthcheck_service": bool,  # the local server always has it
    "enable_profiler": bool,
    "flush_filesystem_caches": bool,
    "load_retry_interval_micros": int,
    "max_num_load_retries": int,
    "num_load_threads": int,
    "num_tflite_interpreters_per_pool": int,
    "num_tflite_pools": int,
    "num_unload_threads": int,
    "per_process_gpu_memory_fraction": float,
    "remove_unused_fields_from_bundle_metagraph": bool,
    "skip_initialize_tpu": bool,
    "tensorflow_inter_op_parallelism": int,
    "tensorflow_intra_op_parallelism": int,
    "tensorflow_session_parallelism": int,
}

_REFUSED: dict[str, Any] = {
    "batching_parameters_file": str,
    "enable_batching": bool,
    "enable_per_model_batching_parameters": bool,
    "enable_serialization_as_tensor_content": bool,
    "enable_signature_method_name_check": bool,
    "grpc_channel_arguments": str,
    "grpc_socket_path": str,
    "mixed_precision": str,
    "platform_config_file": str,
    "prefer_tflite_model": bool,
    "saved_model_tags": str,
    "ssl_config_file": str,
    "tensorflow_session_config_file": str,
    "thread_pool_factory_config_file": str,
    "use_alts_credentials": bool,
    "xla_cpu_compilation_enabled": bool,
    "xla_gpu_compilation_enabled": bool,
}

_ABSENT = (None, False, "")
_NO_CHANGE: dict[str, tuple[Any, ...]] = {"saved_model_tags": (*_ABSENT, "serve")}
"""Values that mean the same as no flag."""

_ALL = {**_SUPPORTED, **_IGNORED, **_REFUSED}

_REMEDY = f"Install {MODEL_SERVER}, or leave the flag out."
_REMEDIES = {
    "enable_batching": f"Install {MODEL_SERVER}, or send several rows in one request.",
}


def flag(name: str, **options: Any) -> Callable[[Command], Command]:
    """An option with dashes, and with underscores as TensorFlow Serving spells it."""
    if options.get("type") is bool:
        options = {"is_flag": False, "flag_value": "true", **options}
    spellings = dict.fromkeys([f"--{name.replace('_', '-')}", f"--{name}"])
    return click.option(*spellings, name, **options)


def more_flags(command: Command) -> Command:
    """Adds all flags of this module to a command; without a default."""
    for name, kind in _ALL.items():
        command = flag(name, type=kind, hidden=True)(command)
    return command


def given(flags: Mapping[str, Any]) -> dict[str, str]:
    """Returns those flags of this module that were given, as TensorFlow Serving reads them."""
    values = {name: flags[name] for name in sorted(_ALL) if flags[name] is not None}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }


def supported(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the given flags that the local server supports, as its Settings name them."""
    return {name: flags[name] for name in _SUPPORTED if flags[name] is not None}


def ignored(flags: Mapping[str, Any]) -> list[str]:
    """Returns the given flags that the local server ignores, with dashes."""
    return [_option(name) for name in _IGNORED if flags[name] is not None]


def ensure_supported(flags: Mapping[str, Any]) -> None:
    """Checks that the local server supports all flags that were given.

    Raises:
      ConfigError: it does not; names all such flags.
    """
    found = [name for name in _REFUSED if flags[name] not in _NO_CHANGE.get(name, _ABSENT)]
    problems = [
        Problem(_option(name), "is not supported by the local server", _REMEDIES.get(name, _REMEDY))
        for name in found
    ]
    if problems:
        raise ConfigError(problems, "The command" if len(problems) > 1 else "")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
