"""A bucket on a server of the tests' own: moto's stands in for MinIO or AWS."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from tfx_pipeline.storage import s3 as storage

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
NAME = "pipelines"


@dataclasses.dataclass(frozen=True)
class Bucket:
    """A bucket, and the environment variables that lead to it.

    Attributes:
      client: boto3's client of the server.
      variables: the endpoint and the credentials.
    """

    client: Any
    variables: dict[str, str]

    def keys(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=NAME, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def use(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets this process use the bucket while a fixture is alive."""
    for name, value in bucket.variables.items():
        monkeypatch.setenv(name, value)
    storage.client.cache_clear()
    yield
    storage.client.cache_clear()


@contextlib.contextmanager
def serve() -> Iterator[Bucket]:
    """Starts a server with the bucket `NAME`, and stops it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=NAME)
    yield Bucket(client, {**KEYS, "AWS_ENDPOINT_URL": url})
    server.stop()
