"""Image files for tests, made by Pillow: scikit-learn's digits, and small ones of every kind."""

from __future__ import annotations

import io
import pathlib

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

LARGEST = 16
"""The largest value of a pixel in scikit-learn's digits."""


def file(pixels: np.ndarray, kind: str = "PNG", mode: str | None = None, **options) -> bytes:
    """The bytes of an image file: pixels uint8 [h, w] or [h, w, 3], or uint16 [h, w]."""
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Random colours, uint8 [height, width, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def kinds() -> dict[str, bytes]:
    """Files that can be read: other sizes, channels, depths and compressions."""
    sixteen_bit = np.random.default_rng(0).integers(0, 65536, (12, 20), np.uint16)
    pixels = noise(12, 20)
    return {
        "colour PNG": file(pixels),
        "grey PNG": file(pixels, mode="L"),
        "RGBA PNG": file(pixels, mode="RGBA"),
        "palette PNG": file(pixels, mode="P"),
        "black and white PNG": file(pixels, mode="1"),
        "16-bit PNG": file(sixteen_bit),
        "small PNG": file(noise(1, 1)),
        "tall PNG": file(noise(90, 3)),
        "colour JPEG": file(pixels, "JPEG"),
        "grey JPEG": file(pixels, "JPEG", "L"),
        "CMYK JPEG": file(pixels, "JPEG", "CMYK"),
        "progressive JPEG": file(pixels, "JPEG", progressive=True),
    }


def broken() -> dict[str, tuple[bytes, str]]:
    """Files that cannot be read, and what is said about each."""
    pixels = noise(12, 20)
    jpeg, png = file(pixels, "JPEG"), file(pixels)
    return {
        "empty.png": (b"", "has no bytes"),
        "moving.gif": (file(pixels, "GIF", "P"), "is a GIF image. Save it as JPEG or PNG"),
        "new.webp": (file(pixels, "WEBP"), "is a WebP image. Save it as JPEG or PNG"),
        "old.bmp": (file(pixels, "BMP"), "is a BMP image. Save it as JPEG or PNG"),
        "scan.tif": (file(pixels, "TIFF"), "is a TIFF image. Save it as JPEG or PNG"),
        "text.png": (b"no image", "is neither a JPEG nor a PNG image"),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "is a damaged or truncated JPEG image"),
        "cut.png": (png[: len(png) // 2], "is a damaged or truncated PNG image"),
    }


def digits() -> list[tuple[bytes, str]]:
    """The 1,797 digits of scikit-learn as PNG files of 8 x 8 pixels, and their names."""
    data = load_digits()
    pixels = (data.images * (255 / LARGEST)).astype(np.uint8)
    return [(file(image), str(name)) for image, name in zip(pixels, data.target, strict=True)]


def write_digits(folder: pathlib.Path) -> None:
    """Class folders `0` to `9` with the files of the digits."""
    for number, (data, name) in enumerate(digits()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{number}.png").write_bytes(data)
