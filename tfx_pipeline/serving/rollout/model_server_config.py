"""TensorFlow Serving's configuration files, read and written without TensorFlow."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.storage import files


def read(path: str | os.PathLike[str]) -> Any:
    """Returns the ModelServerConfig in a file, in protobuf's text format.

    Raises:
      ConfigError: the file cannot be read or parsed.
    """
    return _read(path, "ModelServerConfig")


def read_monitoring(path: str | os.PathLike[str]) -> Any:
    """Returns the MonitoringConfig in a file, in protobuf's text format.

    Raises:
      ConfigError: the file cannot be read or parsed.
    """
    return _read(path, "MonitoringConfig")


def _read(path: str | os.PathLike[str], message: str) -> Any:
    try:
        text = files.read(path).decode()
    except OSError as error:
        raise ConfigError(Problem(str(path), f"cannot be read: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(str(path), "is not a text file")) from error
    try:
        return text_format.Parse(text, protos.message(message)())
    except text_format.ParseError as error:
        raise ConfigError(Problem(str(path), f"is not a {message}: {error}")) from error


def single(name: str, base_path: str | os.PathLike[str]) -> Any:
    """Returns the ModelServerConfig of one model, without a policy: the latest version."""
    config = protos.message("ModelServerConfig")()
    config.model_config_list.config.add(
        name=name, base_path=files.absolute(base_path), model_platform="tensorflow"
    )
    return config


def write(path: str | os.PathLike[str], config: Any) -> None:
    """Writes a ModelServerConfig; a server that polls it reads the old file or the new one.

    Raises:
      OSError: it cannot be written.
    """
    files.write(path, text_format.MessageToString(config, as_utf8=True))
