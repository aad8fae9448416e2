"""A SavedModel in a session: every way to load it gives the same answers."""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    import tensorflow as tf

    class Double(tf.Module):
        def __init__(self):
            super().__init__()
            self.factor = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def numbers(self, x):
            return {"y": self.factor * x}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def texts(self, examples):
            return {"length": tf.strings.length(examples)}

    target = str(tmp_path_factory.mktemp("model") / "1")
    module = Double()
    signatures = {"numbers": module.numbers, "texts": module.texts}
    tf.saved_model.save(module, target, signatures=signatures)
    return target


@pytest.fixture(params=["optimized", "unoptimized", "plain"])
def model(folder, request, monkeypatch):
    from tfx_pipeline.compat.saved_model_session import ServedModel
    from tfx_pipeline.config import environment

    monkeypatch.setenv(environment.PLAIN, "1" if request.param == "plain" else "0")
    with ServedModel(folder, optimize=request.param != "unoptimized") as loaded:
        yield loaded


def test_signatures_are_those_of_the_export(model):
    assert sorted(model.signatures) == ["numbers", "texts"]
    assert model.string_input("texts") == "examples"
    assert model.string_input("numbers") is None


def test_answers_are_the_same_in_every_way(model):
    answer = model.call("numbers", {"x": np.array([1, 2.5], np.float32)})
    assert answer["y"].tolist() == [2, 5]
    assert model.call("texts", {"examples": np.array([b"ab"], object)})["length"].tolist() == [2]


def test_many_threads_may_call(model):
    answers = {}

    def ask(number):
        answers[number] = model.call("numbers", {"x": np.array([number], np.float32)})["y"][0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: 2 * number for number in range(8)}


def test_a_folder_without_a_model_cannot_be_loaded(tmp_path):
    from tfx_pipeline.compat.saved_model_session import ServedModel

    with pytest.raises(OSError, match="SavedModel"):
        ServedModel(str(tmp_path))


def test_errors_of_signatures_can_be_deferred_until_the_call(tmp_path):
    from tests.serving import saved_models
    from tfx_pipeline.compat.saved_model_session import ServedModel

    def no_outputs():
        return saved_models.half_plus_one()[0], {}

    signatures = {"good": saved_models.half_plus_one, "bad": no_outputs}
    folder = str(saved_models.save(tmp_path, signatures) / "1")
    with pytest.raises(Exception, match="Must specify at least one target"):
        ServedModel(folder)
    values = {"x": np.array([2], np.float32)}
    with ServedModel(folder, defer_errors=True) as model:
        assert model.call("good", values)["y"].tolist() == [2]
        with pytest.raises(Exception, match="Must specify at least one target"):
            model.call("bad", values)
