"""Object stores: whole files of a run, and what TensorFlow needs to know for `s3://`.

The endpoint and the credentials come from the environment, by AWS' own names
(`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...). TensorFlow's S3 file system reads
others, which are derived here.
"""

from __future__ import annotations

import logging
import os
import pathlib
import sys
from collections.abc import Mapping
from typing import NoReturn

from tfx_pipeline import errors
from tfx_pipeline.storage import files

ENDPOINT = "AWS_ENDPOINT_URL"


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
    try:
        data = files.read(uri)
    except OSError as error:
        raise errors.ConfigError(f"{uri}: cannot be read: {error.strerror}") from error
    pathlib.Path(target).write_bytes(data)
    return target


def store(data: bytes, uri: str) -> None:
    """Writes a remote file.

    Raises:
      PipelineError: it cannot be written.
    """
    try:
        files.write(uri, data)
    except OSError as error:
        raise errors.PipelineError(f"{uri}: cannot be written: {error.strerror}") from error
