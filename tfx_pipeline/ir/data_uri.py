"""A compiled pipeline as a `data:` URI on a command line.

A step on a cluster shares no disk with the machine that compiled. So it gets the
pipeline as a `data:` URI, or the URI of a file if the pipeline is too large for that.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from tfx_pipeline import errors

PREFIX = "data:application/gzip;base64,"

_ARGUMENT = 96 * 1024
"""The longest text that is passed inline. Linux allows 128 KiB in one argument, and
Kubeflow puts a step's whole container into one argument of its driver."""

_ALL = 512 * 1024
"""The limit for all steps together: Kubernetes allows 1 MiB for a workflow."""

_GZIP = 31  # zlib's window bits for gzip; the header then contains no time


def limit(copies: int) -> int:
    """The longest text that is passed inline to each of `copies` steps."""
    return min(_ARGUMENT, _ALL // copies)


def encode(pipeline: bytes) -> str:
    """The pipeline as a `data:` URI; equal bytes give equal texts."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    data = compressor.compress(pipeline) + compressor.flush()
    return PREFIX + base64.b64encode(data).decode()


def is_inline(source: str) -> bool:
    """Whether `source` is a pipeline itself and not the path of one."""
    return source.startswith("data:")


def decode(text: str) -> bytes:
    """Returns the pipeline that `encode` was given.

    Raises:
      ConfigError: the text is damaged, or another kind of `data:` URI.
    """
    if not text.startswith(PREFIX):
        raise errors.ConfigError(
            f"{text[:40]}: not a compiled pipeline: must begin with {PREFIX!r}"
        )
    try:
        data = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        return zlib.decompress(data, _GZIP)
    except (binascii.Error, zlib.error) as error:
        raise errors.ConfigError(f"{text[:40]}...: not a compiled pipeline: {error}") from error
