"""What kind of file some bytes are, as far as images go; without TensorFlow."""

from __future__ import annotations

import base64
import dataclasses
import struct

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

_PNG_HEADER, _PNG_GREYS = 26, (0, 4)
_MARKER = 0xFF
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""The markers of a JPEG file that the size follows."""

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


@dataclasses.dataclass(frozen=True)
class Dimensions:
    """The size of an image in pixels, and whether it has colours."""

    height: int
    width: int
    is_grey: bool


def dimensions(data: bytes) -> Dimensions | None:
    """What the first bytes of a JPEG or PNG file say; None if they do not."""
    if data.startswith(PNG) and len(data) >= _PNG_HEADER:
        width, height, _, colours = struct.unpack(">IIBB", data[16:_PNG_HEADER])
        return Dimensions(height, width, colours in _PNG_GREYS)
    position = len(JPEG) - 1
    while data.startswith(JPEG) and position + 10 <= len(data) and data[position] == _MARKER:
        kind, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if kind in _FRAMES:
            height, width, parts = struct.unpack(">HHB", data[position + 5 : position + 10])
            return Dimensions(height, width, parts == 1)
        position += 2 + length
    return None
