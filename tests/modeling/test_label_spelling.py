"""Transform and the Evaluator read a label in the same way."""

from __future__ import annotations

import pytest

from tfx_pipeline.modeling.label_spelling import UNKNOWN_CLASS, class_id

UNNAMED = {"0": 0, "1": 1}
NAMED = {"no": 0, "yes": 1, "1": 2}


@pytest.mark.parametrize(
    ("value", "ids", "expected"),
    [
        ("TRUE", UNNAMED, 1),
        ("n", UNNAMED, 0),
        (1.0, UNNAMED, 1),
        (0.5, UNNAMED, UNKNOWN_CLASS),
        ("2", UNNAMED, UNKNOWN_CLASS),
        ("", UNNAMED, UNKNOWN_CLASS),
        ("yes", NAMED, 1),
        ("Yes", NAMED, UNKNOWN_CLASS),
        (1.0, NAMED, 2),
        ("Yes", {}, 1),
        ("7", {}, 7),
        ("²", {}, UNKNOWN_CLASS),
        (float("inf"), {}, UNKNOWN_CLASS),
        (1.5, {"1": 0, "1.5": 1}, UNKNOWN_CLASS),
    ],
)
def test_the_class_of_a_label(value, ids, expected):
    assert class_id(value, ids) == expected


@pytest.mark.tensorflow
@pytest.mark.parametrize("classes", [None, ["no", "yes"], ["1", "0"]])
@pytest.mark.parametrize("values", [["Yes", "no", "t", "1", "2", ""], [1.0, 0.0, 0.5, 2.0]])
def test_transform_gives_the_same_classes(classes, values):
    import tensorflow as tf

    from tfx_pipeline.config import models
    from tfx_pipeline.modeling.columns import Column
    from tfx_pipeline.modeling.labels import Label

    dtype = tf.string if isinstance(values[0], str) else tf.float32
    config = models.Label(name="y", task="binary", classes=classes)
    ids = {name: index for index, name in enumerate(classes or ["0", "1"])}
    found = Label(Column("y", dtype), config).preprocess({"y": tf.constant(values)})["y"]
    assert found.numpy().ravel().tolist() == [class_id(value, ids) for value in values]
