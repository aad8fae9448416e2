"""Which class a label means, and which classes a label has."""

from __future__ import annotations

import pytest

from tfx_pipeline.config.label_classes import UNKNOWN_CLASS, class_id, find

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
        ("TRUE", {"no": 0, "yes": 1}, 1),
        ("f", {"yes": 0, "no": 1}, 1),
        ("no", {"a": 0, "yes": 1}, UNKNOWN_CLASS),
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


@pytest.mark.parametrize(
    ("counts", "names", "reason"),
    [
        ({0: 10, 1: 90}, ("0", "1"), "it is a spelling of yes"),
        ({0.0: 10, 1.0: 90}, ("0", "1"), "it is a spelling of yes"),
        ({"No": 10, "Yes": 90}, ("No", "Yes"), "it is a spelling of yes"),
        ({"No": 10, "no": 2, "TRUE": 90, "y": 1}, ("No", "TRUE"), "it is a spelling of yes"),
        ({"positive": 90, "negative": 10}, ("negative", "positive"), "by its meaning"),
        ({1: 10, 2: 90}, ("1", "2"), "it is the larger number"),
        ({-1: 10, 1: 90}, ("-1", "1"), "it is the larger number"),
        ({"9": 5, "10": 1}, ("9", "10"), "it is the larger number"),
        ({"smoker": 90, "non-smoker": 10}, ("non-smoker", "smoker"), '"non-smoker" negates it'),
        ({"<=50K": 75, ">50K": 25}, ("<=50K", ">50K"), "it is the rarer value (25.0% of"),
        ({"good": 700, "bad": 300}, ("good", "bad"), "it is the rarer value (30.0% of"),
        ({"a": 5, "b": 5}, ("a", "b"), "both values are equally frequent"),
    ],
)
def test_the_positive_class(counts, names, reason):
    found = find(counts, "binary")
    assert found.names == names
    assert reason in found.reason


@pytest.mark.parametrize(
    ("counts", "configured", "positive", "names"),
    [
        ({"<=50K": 75, ">50K": 25}, None, "<=50K", (">50K", "<=50K")),
        ({"no": 75, "yes": 25}, None, "false", ("yes", "no")),
        ({"a": 5, "b": 3, "c": 1}, None, "c", ("a", "c")),
        ({"a": 5}, None, "b", ("a", "b")),
        ({}, ["bad", "good"], "bad", ("good", "bad")),
        ({}, ["bad", "good"], None, ("bad", "good")),
        ({0: 9, 1: 5, 2: 7}, None, None, ("0", "1")),
        ({"a": 5, "b": 3, "c": 1}, None, None, ("a", "b")),
        ({"a": 5}, None, None, ("not a", "a")),
        ({1: 5}, None, None, ("0", "1")),
        ({}, None, None, ("0", "1")),
    ],
)
def test_the_two_classes_of_any_values(counts, configured, positive, names):
    assert find(counts, "binary", configured, positive).names == names


def test_the_classes_of_a_multiclass_label():
    assert find({"b": 3, "a": 3, "c": 9, 1.5: 2}, "multiclass").names == ("c", "a", "b")
    assert find({"t": 3, "f": 2, "y": 1}, "multiclass").names == ("t", "f", "y")
    assert find({1.25: 3}, "regression").names == ()
