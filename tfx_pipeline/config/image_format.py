"""What kind of file some bytes are, as far as images go; without TensorFlow."""

from __future__ import annotations

import base64

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"
"""How the files of each format begin."""

ENDINGS = (".jpg", ".jpeg", ".png")
"""How the names of such files end, in lower case."""
OTHER_ENDINGS = (".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif")
"""How the names of images end that the network cannot read."""

GREY = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
)
"""A PNG of one grey pixel. It stands for a missing image."""

_OTHERS = {b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
_CONVERT = "Save it as JPEG or PNG"


def is_image(data: bytes) -> bool:
    """Whether the bytes begin as a JPEG or PNG file does."""
    return data.startswith((JPEG, PNG))


def problem(data: bytes) -> str:
    """Why the bytes are not a JPEG or PNG file, and what to do; empty if they begin as one."""
    if is_image(data):
        return ""
    if not data:
        return "has no bytes"
    other = _other(data)
    return f"is a {other} image. {_CONVERT}" if other else "is neither a JPEG nor a PNG image"


def _other(data: bytes) -> str:
    """The name of another format of images; empty if it is none."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return "AVIF" if data[8:12] == b"avif" else "HEIC"
    return next((name for start, name in _OTHERS.items() if data.startswith(start)), "")
