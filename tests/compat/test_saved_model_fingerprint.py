"""A SavedModel that was changed after it was saved has the fingerprint of what it is."""

from __future__ import annotations

import pathlib

import pytest

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), str(tmp_path / "1"))
    return tmp_path / "1"


def checksum(folder: pathlib.Path) -> int:
    import tensorflow as tf

    return tf.saved_model.experimental.read_fingerprint(str(folder)).saved_model_checksum


def test_it_follows_the_file(folder):
    from tfx_pipeline.compat.saved_model_fingerprint import renew_fingerprint

    before, content = checksum(folder), (folder / "saved_model.pb").read_bytes()
    (folder / "saved_model.pb").write_bytes(content.replace(b"serve", b"sErve"))
    assert checksum(folder) == before, "TensorFlow itself looks at the file now"
    renew_fingerprint(str(folder))
    changed = checksum(folder)
    assert changed != before
    (folder / "saved_model.pb").write_bytes(content)
    renew_fingerprint(str(folder))
    assert checksum(folder) == before
