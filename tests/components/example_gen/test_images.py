"""Columns of images: read from bytes and paths, counted and refused where they cannot be read."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests import images
from tests.components.example_gen.ingestion import SPLIT, ingest, read, refused, write

pytestmark = pytest.mark.tensorflow

ROWS = 40
COLUMNS = {"photo": "image"}


@pytest.fixture
def good():
    return [images.file(images.noise(6, 5, seed)) for seed in range(ROWS)]


def values(artifact, name="photo"):
    """The column in all splits: bytes, or None for a missing value."""
    import tensorflow as tf

    found = []
    for records in read(artifact).values():
        for record in records:
            feature = tf.train.Example.FromString(record).features.feature[name]
            found.append(feature.bytes_list.value[0] if feature.bytes_list.value else None)
    return found


def csv_of(folder, names):
    rows = "".join(f"{name},{number}\n" for number, name in enumerate(names))
    return write(folder / "data" / "photos.csv", f"photo,y\n{rows}")


def save(folder, files):
    names = []
    for number, data in enumerate(files):
        write(folder / "data" / "files" / f"{number}.png", data)
        names.append(f"files/{number}.png")
    return names


def test_a_path_starts_at_the_folder_of_the_table(tmp_path, good):
    csv_of(tmp_path, save(tmp_path, good))
    artifact, _, _ = ingest(tmp_path, tmp_path / "data", columns=COLUMNS)
    assert sorted(values(artifact)) == sorted(good)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string()])
def test_parquet_has_bytes_or_paths(tmp_path, good, kind):
    names = save(tmp_path, good)
    column = pa.array(names if kind == pa.string() else good, kind)
    parquet.write_table(pa.table({"photo": column}), tmp_path / "data" / "t.parquet")
    artifact, _, _ = ingest(tmp_path, tmp_path / "data", format="parquet", columns=COLUMNS)
    assert sorted(values(artifact)) == sorted(good)


def test_json_lines_have_paths(tmp_path, good):
    lines = [json.dumps({"photo": name}) for name in save(tmp_path, good)]
    write(tmp_path / "data" / "t.jsonl", "\n".join(lines))
    artifact, _, _ = ingest(tmp_path, tmp_path / "data", format="jsonl", columns=COLUMNS)
    assert sorted(values(artifact)) == sorted(good)


def test_the_columns_beside_the_examples_have_the_same_images(tmp_path, good):
    from tfx_pipeline.components.common import example_files, raw_rows

    csv_of(tmp_path, save(tmp_path, good))
    artifact, _, _ = ingest(tmp_path, tmp_path / "data", columns=COLUMNS)
    found = []
    for split in SPLIT:
        assert example_files.files([artifact], split)
        for batch in raw_rows.batches(artifact, split):
            found += [value for (value,) in batch["photo"].to_pylist()]
    assert found == values(artifact)


@pytest.mark.parametrize("name", images.kinds())
def test_images_of_every_size_and_kind_are_fine(tmp_path, good, name):
    data = images.kinds()[name]
    csv_of(tmp_path, save(tmp_path, [*good, data]))
    options = {"columns": {"photo": {"type": "image", "max_unreadable": 0.0}}}
    artifact, output, _ = ingest(tmp_path, tmp_path / "data", **options)
    assert output is None
    assert data in values(artifact)


@pytest.mark.parametrize("name", images.broken())
def test_a_broken_image_is_a_missing_value_and_counted(tmp_path, good, caplog, name):
    data, what = images.broken()[name]
    names = save(tmp_path, good)
    write(tmp_path / "data" / "files" / name, data)
    csv_of(tmp_path, [*names, f"files/{name}"])
    artifact, _, _ = ingest(tmp_path, tmp_path / "data", columns=COLUMNS)
    assert values(artifact).count(None) == 1
    where = f"photos.csv row {ROWS + 1}: files/{name} {what}"
    assert f"1 of {ROWS + 1} images in 'photo' cannot be read" in caplog.text
    assert where in caplog.text


def test_too_many_are_refused_with_file_row_and_reason(tmp_path, good):
    names = save(tmp_path, good)
    names[1], names[4], names[9] = "files/absent.png", "files", "files/x.gif"
    write(tmp_path / "data" / "files" / "x.gif", images.broken()["moving.gif"][0])
    csv_of(tmp_path, names)
    message, found = refused(tmp_path, tmp_path / "data", columns=COLUMNS)
    assert message.startswith(
        f"3 of {ROWS} images in 'photo' cannot be read, more than the share 0.05 of "
        "columns.photo.max_unreadable: photos.csv row 2: files/absent.png does not exist below "
        "the folder of the table"
    )
    rule = "is an image that can be read"
    assert found == [
        ("photo", rule, "photos.csv row 2: files/absent.png does not exist below the folder of "
         "the table"),
        ("photo", rule, "photos.csv row 5: files is a folder"),
        ("photo", rule, "photos.csv row 10: files/x.gif is a GIF image. Save it as JPEG or PNG"),
    ]  # fmt: skip


def test_the_share_can_be_set(tmp_path, good):
    csv_of(tmp_path, [*save(tmp_path, good), *["absent.png"] * ROWS])
    column = {"type": "image", "max_unreadable": 0.5}
    artifact, output, _ = ingest(tmp_path, tmp_path / "data", columns={"photo": column})
    assert output.execution_result.code == 0
    assert f"{ROWS} of {2 * ROWS} images in 'photo'" in output.execution_result.result_message
    assert values(artifact).count(None) == ROWS


def test_a_missing_value_is_no_unreadable_image(tmp_path, good):
    csv_of(tmp_path, [*save(tmp_path, good), *[""] * ROWS])
    artifact, output, _ = ingest(tmp_path, tmp_path / "data", columns=COLUMNS)
    assert output is None
    assert values(artifact).count(None) == ROWS


def test_broken_bytes_name_the_row(tmp_path, good):
    good[3] = images.broken()["cut.jpg"][0]
    (tmp_path / "data").mkdir()
    parquet.write_table(pa.table({"photo": good}), tmp_path / "data" / "t.parquet")
    column = {"type": "image", "max_unreadable": 0.0}
    message, _ = refused(tmp_path, tmp_path / "data", format="parquet", columns={"photo": column})
    assert "t.parquet row 4: the image is a damaged or truncated JPEG image" in message


def test_records_of_tf_examples_are_checked(tmp_path, good):
    import tensorflow as tf

    good[7] = b"no image"
    (tmp_path / "data").mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / "data" / "a.tfrecord")) as writer:
        for data in good:
            example = tf.train.Example()
            example.features.feature["photo"].bytes_list.value.append(data)
            writer.write(example.SerializeToString())
    options = {"format": "tfrecord", "columns": COLUMNS}
    artifact, _, _ = ingest(tmp_path, tmp_path / "data", **options)
    readable = [value for value in good if value != b"no image"]
    assert sorted(value for value in values(artifact) if value is not None) == sorted(readable)
    assert values(artifact).count(None) == 1
    column = {"photo": {"type": "image", "max_unreadable": 0.0}}
    (tmp_path / "again").mkdir()
    message, _ = refused(tmp_path / "again", tmp_path / "data", format="tfrecord", columns=column)
    assert "a.tfrecord record 8: the image is neither a JPEG nor a PNG image" in message


def test_a_changed_image_changes_the_fingerprint(tmp_path, good):
    csv_of(tmp_path, save(tmp_path, good))
    prints = []
    for number in range(3):
        if number == 2:
            write(tmp_path / "data" / "files" / "0.png", good[1])
        (tmp_path / str(number)).mkdir()
        _, _, properties = ingest(tmp_path / str(number), tmp_path / "data", columns=COLUMNS)
        prints.append(properties["input_fingerprint"])
    assert prints[0] == prints[1] != prints[2]
