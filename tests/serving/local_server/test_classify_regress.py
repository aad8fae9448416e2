"""Outputs of signatures that classify and regress, of all types and shapes."""

from __future__ import annotations

import pytest

from tests.serving import saved_models
from tests.serving.saved_models import info

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

EXAMPLES = {"examples": [{"x": 1.0}, {"x": 2.0}]}


def of_examples(make, dtype=7):
    """A signature from tf.Examples, whose input may declare another type than it has."""

    def signature():
        import tensorflow as tf

        examples = tf.compat.v1.placeholder(tf.string, [None])
        features = {"x": tf.io.FixedLenFeature([], tf.float32)}
        x = tf.io.parse_example(examples, features)["x"]
        return {"inputs": info(examples.name, dtype)}, make(x)

    return signature


def matrix(x, *columns):
    import tensorflow as tf

    return tf.stack([tf.cast(x + column, tf.float32) for column in columns], axis=1)


def labels(x, *columns):
    import tensorflow as tf

    return tf.strings.as_string(tf.cast(matrix(x, *columns), tf.int32))


def cast(x, name):
    import tensorflow as tf

    return tf.cast(x, name)


CLASSIFY = {
    "text scores": (lambda x: {"scores": labels(x, 0)},
                    "Expected scores Tensor of DT_FLOAT. Got: DT_STRING"),
    "int64 scores": (lambda x: {"scores": cast(matrix(x, 0), "int64")},
                     "Expected scores Tensor of DT_FLOAT. Got: DT_INT64"),
    "number classes": (lambda x: {"classes": matrix(x, 0)},
                       "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
    "2 and 3": (lambda x: {"classes": labels(x, 0, 1), "scores": matrix(x, 0, 1, 2)},
                "Tensors class and score should match in dim_size(1). Got 2 vs. 3"),
    "a column": (lambda x: {"scores": x},
                 "Expected Tensor shape: [batch_size num_classes] but got [2]"),
    "half of the rows": (lambda x: {"scores": matrix(x, 0)[:1]},
                         "Expected scores output batch size of 2. Got: 1"),
    "three outputs": (lambda x: {"scores": matrix(x, 0), "a": x, "b": x},
                      "Expected one or two output Tensors, found 3"),
}  # fmt: skip

REGRESS = {
    "integers": (lambda x: {"outputs": cast(x, "int64")},
                 "Expected output Tensor of DT_FLOAT.  Got: DT_INT64"),
    "two columns": (lambda x: {"outputs": matrix(x, 0, 1)},
                    "to be either [batch_size] or [batch_size, 1] but got [2,2]"),
    "one row": (lambda x: {"outputs": x[:1]},
                "Input batch size did not match output batch size: 2 vs. 1"),
    "two outputs": (lambda x: {"outputs": x, "more": x}, "Expected one output Tensor."),
}  # fmt: skip


@pytest.fixture(scope="module")
def examples_client(shared, tmp_path_factory):
    signatures = {name: of_examples(make) for name, (make, _) in {**CLASSIFY, **REGRESS}.items()}
    signatures["scores"] = of_examples(lambda x: {"scores": matrix(x, 0, 1)}, dtype=1)
    signatures["outputs"] = of_examples(lambda x: {"outputs": x / 2 + 3}, dtype=1)
    base_path = saved_models.save(tmp_path_factory.mktemp("examples"), signatures)
    return saved_models.serve(shared, {"examples": base_path})


@pytest.mark.parametrize(
    ("method", "case"),
    [*(("classify", case) for case in CLASSIFY), *(("regress", case) for case in REGRESS)],
)
def test_outputs_that_are_no_classes_or_numbers(examples_client, method, case):
    path = f"/v1/models/examples:{method}"
    status, reply = examples_client.post(path, {"signature_name": case, **EXAMPLES})
    assert status == 400
    assert {**CLASSIFY, **REGRESS}[case][1] in reply["error"]


def test_the_type_of_the_graph_counts_not_the_declared_one(examples_client):
    """half_plus_three of TensorFlow Serving's documentation declares float for its examples."""
    path = "/v1/models/examples:{}".format
    body = {"signature_name": "outputs", **EXAMPLES}
    assert examples_client.post(path("regress"), body) == (200, {"results": [3.5, 4.0]})
    body = {"signature_name": "scores", **EXAMPLES}
    expected = [[["", 1.0], ["", 2.0]], [["", 2.0], ["", 3.0]]]
    assert examples_client.post(path("classify"), body) == (200, {"results": expected})
