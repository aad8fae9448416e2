"""Object stores: what TensorFlow, Beam and TFX need before they take `s3://` paths.

The endpoint and the credentials come from the environment, by AWS' own names
(`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...). TensorFlow's S3 file system reads
others, which are derived here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import NoReturn

from tfx_pipeline import errors

ENDPOINT = "AWS_ENDPOINT_URL"
_S3 = "s3://"


def prepare(texts: Iterable[str]) -> None:
    """Registers S3 with TensorFlow when one of `texts` names it. Imports TensorFlow then.

    Raises:
      MissingExtra: `tensorflow-io` or `boto3` is not installed.
    """
    if not any(_S3 in text for text in texts):
        return
    for name, value in tensorflow_variables(os.environ).items():
        os.environ.setdefault(name, value)
    try:
        import boto3  # noqa: F401 - Beam's file system
        import tensorflow_io  # noqa: F401 - TensorFlow's and so TFX's
    except ImportError as error:
        raise errors.MissingExtra(f"what s3:// needs ({error.name})", "s3") from error


def is_s3(path: str) -> bool:
    """Whether a path is on S3."""
    return path.startswith(_S3)


def end_process(code: int) -> NoReturn:
    """Ends the process with that exit code.

    tensorflow-io's S3 aborts when C++ destroys its objects at the end of a process; if it is
    there, they are not destroyed.
    """
    if "tensorflow_io" not in sys.modules:
        sys.exit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def tensorflow_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What TensorFlow's S3 file system reads, made from AWS' own variables."""
    result: dict[str, str] = {}
    endpoint = environment.get(f"{ENDPOINT}_S3") or environment.get(ENDPOINT)
    if endpoint:
        # With its scheme: tensorflow-io 0.37 has no other way to be told of http.
        result |= {"S3_ENDPOINT": endpoint, "S3_VERIFY_SSL": str(int("https:" in endpoint))}
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if region or endpoint:
        result["AWS_REGION"] = region or "us-east-1"
    return result


def fetch(uri: str, target: str) -> str:
    """Copies a remote file to the local path `target` and returns that.

    Raises:
      ConfigError: it cannot be read.
    """
    prepare([uri])
    from tfx.dsl.io import fileio

    try:
        fileio.copy(uri, target, overwrite=True)
    except Exception as error:  # each file system has exceptions of its own
        raise errors.ConfigError(f"{uri}: cannot be read: {error}") from error
    return target


def store(data: bytes, uri: str) -> None:
    """Writes a remote file.

    Raises:
      PipelineError: it cannot be written.
    """
    prepare([uri])
    from tfx.dsl.io import fileio

    try:
        fileio.makedirs(os.path.dirname(uri))
        with fileio.open(uri, "wb") as file:
            file.write(data)
    except Exception as error:
        raise errors.PipelineError(f"{uri}: cannot be written: {error}") from error
