"""Folders of images, one for each class: `cats/1.jpg`, `dogs/2.png`."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import pathlib
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from tfx_pipeline.config import image_format
from tfx_pipeline.errors import ConfigError, Problem, first_of
from tfx_pipeline.profiling import found_data
from tfx_pipeline.profiling.choice import Choice, counted
from tfx_pipeline.profiling.sample import Sample

IMAGE, LABEL = "image", "label"
"""The columns of the table that `init` writes."""

FOLDER_NAME = "folder name"
"""The type of a column of names of folders: texts, whatever they look like."""

_SPLITS = {"train", "training", "test", "testing", "eval", "val", "valid", "validation"}
_MOST_OPENED = 50
_HEAD = 1 << 16
_SMALL, _USUAL, _LARGE = 16, 32, 64


@dataclasses.dataclass(frozen=True)
class ImageFolder:
    """Class folders of images.

    Attributes:
      path: the folder that has them.
      images: each image and the name of its class folder.
      left_out: images that are of other formats, or in no class folder.
    """

    path: pathlib.Path
    images: tuple[tuple[pathlib.Path, str], ...]
    left_out: tuple[pathlib.Path, ...]

    def sample(self) -> Sample:
        """The table of the images."""
        columns = {
            IMAGE: pa.array([str(file.resolve()) for file, _ in self.images], pa.string()),
            LABEL: pa.array([name for _, name in self.images], pa.string()),
        }
        classes = len({name for _, name in self.images})
        found = counted(len(self.images), "image")
        reason = f"{found} in {counted(classes, 'class folder')}; their paths are a table"
        return Sample(
            table=pa.table(columns),
            complete=True,
            total_rows=len(self.images),
            choices=(Choice("rows", found, reason), *self._about_left_out()),
            data={},
            where=str(self.path),
            types={IMAGE: "image", LABEL: FOLDER_NAME},
        )

    def _about_left_out(self) -> Iterator[Choice]:
        if self.left_out:
            named = first_of([str(file.relative_to(self.path)) for file in self.left_out], 3)
            reason = f"{named}: only JPEG and PNG files in class folders are read"
            found = counted(len(self.left_out), "image is", "images are")
            yield Choice("data", f"{found} left out", reason, level="warning")

    def csv(self, folder: pathlib.Path) -> str:
        """The table for a project that has it in `folder`, with paths from there."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([IMAGE, LABEL])
        base, start = self.path.resolve(), os.path.relpath(self.path.resolve(), folder.resolve())
        for file, name in self.images:
            writer.writerow([os.path.join(start, os.path.relpath(file.resolve(), base)), name])
        return text.getvalue()


def find(data: str) -> ImageFolder | None:
    """The class folders below a folder; None if it has no images, or has files of rows.

    Raises:
      ConfigError: the images are in no class folders, or in folders of splits.
    """
    folder = pathlib.Path(data)
    if not folder.is_dir() or any(map(_is_of_rows, _visible(folder))):
        return None
    files = [file for file in sorted(folder.rglob("*")) if _is_visible(file, folder)]
    images = [file for file in files if _ends_with(file, image_format.ENDINGS)]
    others = [file for file in files if _ends_with(file, image_format.OTHER_ENDINGS)]
    if not images and not others:
        return None
    classes = [
        (file, file.relative_to(folder).parts[0]) for file in images if file.parent != folder
    ]
    if not classes:
        remedy = "Put the JPEG and PNG files of each class into a folder with its name"
        raise ConfigError(Problem("", f"{folder} has images, but not in class folders", remedy))
    names = {name.lower() for _, name in classes}
    if names <= _SPLITS:
        found = ", ".join(sorted({name for _, name in classes}))
        remedy = f"Name the one with the images to train on: {folder / classes[0][1]}"
        raise ConfigError(Problem("", f"{folder} has folders of splits ({found})", remedy))
    lone = [file for file in images if file.parent == folder]
    return ImageFolder(folder, tuple(classes), (*lone, *others))


def _visible(folder: pathlib.Path) -> list[pathlib.Path]:
    return [file for file in folder.iterdir() if not file.name.startswith((".", "_"))]


def _is_of_rows(file: pathlib.Path) -> bool:
    return file.is_file() and found_data.format_of(file.name) is not None


def _is_visible(file: pathlib.Path, folder: pathlib.Path) -> bool:
    return not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)


def _ends_with(file: pathlib.Path, endings: tuple[str, ...]) -> bool:
    return file.suffix.lower() in endings and file.is_file()


def settings(files: list[pathlib.Path]) -> dict[str, Any]:
    """The treatment of a column of images: size and channels by some of the files."""
    found = [image_format.dimensions(_head(file)) for file in files[:: _step(len(files))]]
    known = [size for size in found if size is not None]
    treatment: dict[str, Any] = {"transform": "image"}
    if not known:
        return treatment
    side = statistics.median(min(size.height, size.width) for size in known)
    chosen = _SMALL if side <= _SMALL else _USUAL if side <= _USUAL else _LARGE
    treatment["size"] = [chosen, chosen]
    if all(size.is_grey for size in known):
        treatment["channels"] = 1
    return treatment


def _step(count: int) -> int:
    return max(1, count // _MOST_OPENED)


def _head(file: pathlib.Path) -> bytes:
    try:
        return found_data.head(file, _HEAD)
    except OSError:
        return b""


def reason(treatment: Mapping[str, Any]) -> str:
    """Why a column of images has its treatment, for a comment."""
    if "size" not in treatment:
        return "images"
    colours = "grey" if treatment.get("channels") == 1 else "in colour"
    return f"images, {colours}; a larger size shows more and trains longer"
