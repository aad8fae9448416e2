"""`init` on images: class folders, tables of paths, Parquet files of bytes."""

from __future__ import annotations

import csv
import pathlib

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests import images
from tfx_pipeline.config import image_format
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.profiling import found_data, image_folders, plan, sample

COUNT = 12


@pytest.fixture
def photos(tmp_path):
    """Photos of cats and dogs, in colour; the endings are written in several ways."""
    for number in range(COUNT):
        for name, kind, ending in (("cats", "JPEG", ".JPG"), ("dogs", "PNG", ".png")):
            file = tmp_path / "photos" / name / f"{number}{ending}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(images.file(images.noise(70, 60, number), kind))
    return tmp_path / "photos"


def rows(folder: image_folders.ImageFolder, project: pathlib.Path) -> list[list[str]]:
    return list(csv.reader(folder.csv(project / "data").splitlines()))


def photo(decided):
    return next(choice for choice in decided.features if choice.profile.type == "image")


def test_the_label_is_the_name_of_the_folder(photos, tmp_path):
    found = image_folders.find(str(photos))
    assert found is not None
    header, *table = rows(found, tmp_path / "project")
    assert header == ["image", "label"]
    assert len(table) == 2 * COUNT
    for path, label in table:
        file = tmp_path / "project" / "data" / path
        assert file.resolve().is_file()
        assert file.parent.name == label


def test_size_and_channels_fit_the_files(photos):
    decided = plan.make(image_folders.find(str(photos)).sample(), "label")
    assert decided.label.task == "binary"
    assert decided.columns == {"label": "text", "image": "image"}
    assert photo(decided).settings == {"transform": "image", "size": [64, 64]}


def test_grey_files_have_one_channel(tmp_path):
    for name, data in images.digits()[:60]:
        folder = tmp_path / "digits" / data
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{hash(name)}.png").write_bytes(name)
    decided = plan.make(image_folders.find(str(tmp_path / "digits")).sample(), "label")
    assert photo(decided).settings == {"transform": "image", "size": [16, 16], "channels": 1}
    assert decided.label.task == "multiclass", "names of folders are no numbers"


def test_folders_named_like_missing_values_are_classes(photos, tmp_path):
    (photos / "cats").rename(photos / "NA")
    decided = plan.make(image_folders.find(str(photos)).sample(), "label")
    assert set(decided.label.classes) == {"NA", "dogs"}


def test_other_formats_and_lone_images_are_left_out_with_a_warning(photos):
    (photos / "dogs" / "moving.gif").write_bytes(b"GIF89a")
    (photos / "lone.png").write_bytes(images.file(images.noise(4, 4)))
    (photos / ".hidden").mkdir()
    (photos / ".hidden" / "x.png").write_bytes(b"")
    found = image_folders.find(str(photos))
    assert len(found.images) == 2 * COUNT
    warning = next(c for c in found.sample().choices if c.level == "warning")
    assert warning.decision == "2 images are left out"
    assert "lone.png" in warning.reason
    assert "dogs/moving.gif" in warning.reason


def test_images_in_no_folder_are_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(images.file(images.noise(4, 4)))
    with pytest.raises(ConfigError, match=r"has images, but not in class folders\. Put the JPEG"):
        image_folders.find(str(tmp_path))


def test_folders_of_splits_are_refused(photos):
    photos.rename(photos.parent / "train")
    with pytest.raises(ConfigError, match=r"has folders of splits \(train\). Name the one"):
        image_folders.find(str(photos.parent))


def test_a_folder_of_tables_is_none_of_images(photos):
    (photos / "table.csv").write_text("a,b\n1,2\n")
    assert image_folders.find(str(photos)) is None


def test_a_column_of_paths_is_found(photos, tmp_path):
    table = tmp_path / "table.csv"
    lines = [f"{file.relative_to(tmp_path)},{file.parent.name}" for file in photos.rglob("*.*")]
    table.write_text("\n".join(["photo,y", *lines, ""]))
    decided = plan.make(sample.read(found_data.find(str(table))), "y")
    assert photo(decided).settings == {"transform": "image", "size": [64, 64]}
    assert decided.columns == {"photo": "image"}


def test_names_of_files_that_do_not_exist_are_texts(tmp_path):
    table = tmp_path / "table.csv"
    lines = [f"{number % 3}.png,{number % 2}" for number in range(60)]
    table.write_text("\n".join(["photo,y", *lines, ""]))
    decided = plan.make(sample.read(found_data.find(str(table))), "y")
    assert [choice.profile.type for choice in decided.features] == ["text"]


def test_a_parquet_column_of_bytes_is_found(tmp_path):
    data = [images.file(images.noise(5, 5, seed)) for seed in range(30)]
    table = pa.table({"photo": data, "y": ["a", "b", "b"] * 10})
    parquet.write_table(table, tmp_path / "t.parquet")
    decided = plan.make(sample.read(found_data.find(str(tmp_path / "t.parquet"))), "y")
    assert photo(decided).settings == {"transform": "image"}
    assert decided.columns == {"photo": "image"}


@pytest.mark.parametrize("name", images.kinds())
def test_the_dimensions_are_those_of_pillow(name):
    import io

    from PIL import Image

    data = images.kinds()[name]
    image = Image.open(io.BytesIO(data))
    found = image_format.dimensions(data)
    assert (found.width, found.height) == image.size
    assert found.is_grey == (image.mode in ("L", "1", "I;16"))


@pytest.mark.parametrize("length", range(0, 60, 3))
def test_the_first_bytes_alone_are_no_error(length):
    for data in images.kinds().values():
        image_format.dimensions(data[:length])
        image_format.problem(data[:length])
