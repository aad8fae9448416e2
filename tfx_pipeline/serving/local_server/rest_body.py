"""Bodies of REST requests: gzip to JSON, with TensorFlow Serving's limit."""

from __future__ import annotations

import zlib

from tfx_pipeline.serving.protocol.status_codes import invalid

_MAX_DECOMPRESSED_BYTES = 100 * 2**20
"""TensorFlow Serving's limit. A few bytes of gzip could fill the memory otherwise."""

_GZIP = 16 + zlib.MAX_WBITS


def decompress(body: bytes, content_encoding: str) -> bytes:
    """Returns a body without its gzip compression.

    Args:
      body: as it was sent.
      content_encoding: the header of that name, or ''.

    Raises:
      ServingError: the body is not valid gzip, or too large.
    """
    if "gzip" not in content_encoding.lower():
        return body
    decompressor = zlib.decompressobj(_GZIP)
    try:
        result = decompressor.decompress(body, _MAX_DECOMPRESSED_BYTES + 1)
    except zlib.error as error:
        raise invalid(f"Failed to uncompress the gzipped body: {error}") from error
    if len(result) > _MAX_DECOMPRESSED_BYTES:
        raise invalid(
            "Failed to uncompress the gzipped body: "
            f"it contains more than {_MAX_DECOMPRESSED_BYTES} bytes"
        )
    if not decompressor.eof:
        raise invalid("Failed to uncompress the gzipped body: it is cut off")
    return result
