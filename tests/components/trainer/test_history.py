"""history.json: the curves of a training, from TensorBoard's files."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from tfx_pipeline.components.trainer import history
from tfx_pipeline.report import file_names

pytestmark = pytest.mark.tensorflow


def written(folder):
    history.write(str(folder))
    file = folder / file_names.HISTORY
    return json.loads(file.read_text())["series"] if file.exists() else None


def test_scalars_are_read_by_run_and_tag(tmp_path):
    for run in ("train", "validation"):
        with tf.summary.create_file_writer(str(tmp_path / run)).as_default():
            for step in range(3):
                tf.summary.scalar("epoch_loss", 1.0 / (step + 1), step)
            tf.summary.scalar("broken", float("nan"), 0)
            tf.summary.text("words", "nothing to draw", 0)
    found = written(tmp_path)
    assert set(found) == {"train", "validation"}
    assert found["train"] == {"epoch_loss": [[0, 1.0], [1, 0.5], [2, pytest.approx(1 / 3)]]}


def test_a_folder_without_event_files_has_no_history(tmp_path):
    assert written(tmp_path) is None


def test_a_damaged_file_is_left_out(tmp_path, caplog):
    (tmp_path / "events.out.tfevents.1").write_bytes(b"\x05" + b"\0" * 11 + b"\xff" * 20)
    assert written(tmp_path) is None
    assert "cannot be read" in caplog.text
