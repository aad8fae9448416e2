"""The client for `s3://`, and how a path names an object. No TensorFlow is needed."""

from __future__ import annotations

import functools
from typing import Any

from tfx_pipeline.errors import MissingExtra

SCHEME = "s3://"
_MISSING = {"404", "NoSuchKey", "NotFound"}


def is_s3(path: str) -> bool:
    """Whether a path is on S3."""
    return path.startswith(SCHEME)


@functools.cache
def client() -> Any:
    """boto3's client; endpoint and credentials come from the environment, by AWS' own names.

    Raises:
      MissingExtra: boto3 is not installed.
    """
    try:
        import boto3
    except ImportError as error:
        raise MissingExtra(f"what {SCHEME} needs ({error.name})", "s3") from error
    return boto3.client("s3")


def objects(path: str) -> dict[str, int]:
    """The size of the object of that name, or of all objects below a folder, in bytes.

    Args:
      path: `s3://bucket/key`.

    Returns:
      By key; empty if there are none.
    """
    parts = bucket_and_key(path.rstrip("/"))
    pages = client().get_paginator("list_objects_v2")
    found = {
        entry["Key"]: int(entry["Size"])
        for page in pages.paginate(Bucket=parts["Bucket"], Prefix=parts["Key"])
        for entry in page.get("Contents", [])
    }
    if parts["Key"] in found:
        return {parts["Key"]: found[parts["Key"]]}
    below = f"{parts['Key']}/" if parts["Key"] else ""
    return {key: size for key, size in found.items() if key.startswith(below)}


def download(path: str, key: str, target: str, most: int | None = None) -> None:
    """Copies an object of the bucket of `path` to a local file.

    Args:
      path: `s3://bucket/…`.
      key: the object.
      target: the local file.
      most: how many of its first bytes are wanted; None for all.
    """
    given = {} if most is None else {"Range": f"bytes=0-{most - 1}"}
    bucket = bucket_and_key(path)["Bucket"]
    body = client().get_object(Bucket=bucket, Key=key, **given)["Body"]
    with open(target, "wb") as file:
        for chunk in body.iter_chunks(1 << 20):
            file.write(chunk)


def is_missing(error: Exception) -> bool:
    """Whether one of boto3's errors says that there is no such object or bucket."""
    return getattr(error, "response", {}).get("Error", {}).get("Code") in _MISSING


def bucket_and_key(path: str) -> dict[str, str]:
    """The arguments of boto3's calls for a path."""
    bucket, _, key = path.removeprefix(SCHEME).partition("/")
    return {"Bucket": bucket, "Key": key}
