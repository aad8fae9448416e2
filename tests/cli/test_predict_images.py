"""Columns of images in FILE of `predict`."""

from __future__ import annotations

import pytest

from tests import images
from tfx_pipeline.cli import predict_images
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.serving.client.table import Table

PHOTO = images.file(images.noise(3, 3))


def table(*values):
    return Table({"photo": values, "x": ["1"] * len(values)}, len(values), first_row=1)


def test_the_columns_are_those_of_the_configuration(tmp_path):
    config = tmp_path / "pipeline.yaml"
    config.write_text(
        "name: a\ndata: {path: data}\nlabel: {name: y, task: binary}\ncolumns: {one: image}\n"
        "features: {one: {}, two: {transform: image}, three: {transform: zscore}}\n"
    )
    assert predict_images.columns(str(config), ["four"]) == {"one", "two", "four"}
    assert predict_images.columns(str(tmp_path / "absent.yaml"), ["four"]) == {"four"}


def test_paths_start_at_the_folder_of_the_file(tmp_path):
    (tmp_path / "a.png").write_bytes(PHOTO)
    rows = table("a.png", str(tmp_path / "a.png"), "", None, {"b64": "AA=="})
    found = predict_images.read(rows, {"photo", "absent"}, str(tmp_path / "rows.csv"))
    assert found.columns["photo"] == [PHOTO, PHOTO, "", None, {"b64": "AA=="}]
    assert found.columns["x"] == rows.columns["x"]


def test_what_cannot_be_sent_is_named_by_row(tmp_path):
    (tmp_path / "a.gif").write_bytes(images.broken()["moving.gif"][0])
    with pytest.raises(ConfigError) as error:
        predict_images.read(table("a.gif", "b.png", "."), {"photo"}, str(tmp_path / "rows.csv"))
    assert [str(problem) for problem in error.value.problems] == [
        f"row 1, column photo: {tmp_path}/a.gif is a GIF image. Save it as JPEG or PNG",
        f"row 2, column photo: {tmp_path}/b.png does not exist",
        f"row 3, column photo: {tmp_path} cannot be read: Is a directory",
    ]
