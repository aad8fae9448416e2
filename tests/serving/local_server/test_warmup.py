"""Warm-up requests are run as often as TensorFlow Serving runs them."""

from __future__ import annotations

import grpc
import pytest

from tests.serving import saved_models
from tests.serving.harness import RawClient
from tests.serving.saved_models import half_plus_one, predict_log
from tfx_pipeline.serving import LocalServer

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

NO_WARMUP = "No warmup data file found at"


def counted():
    """count = how many times it was run."""
    import tensorflow as tf

    x = tf.compat.v1.placeholder(tf.float32, [None])
    count = tf.compat.v1.get_variable("count", initializer=0, use_resource=True)
    with tf.control_dependencies([tf.compat.v1.assign_add(count, 1)]):
        return {"x": x}, {"count": count.read_value() + 0 * tf.size(x) + tf.zeros([1], tf.int32)}


def runs(client, name="counted"):
    """How many times the model was run before this request."""
    return client.post(f"/v1/models/{name}:predict", {"inputs": [1.0]})[1]["outputs"][0] - 1


@pytest.fixture
def model(tmp_path):
    logs = [predict_log(x=[1.0]), predict_log(x=[2.0])]
    return saved_models.save(tmp_path / "counted", {"serving_default": counted}, warmup=logs)


def test_each_request_is_run_once(shared, model):
    assert runs(saved_models.serve(shared, {"counted": model})) == 2


def test_the_number_of_runs_can_be_set(model):
    arguments = ("--model-name", "counted", "--model-base-path", str(model))
    with LocalServer(*arguments, "--num_request_iterations_for_warmup=3") as server:
        assert runs(RawClient(server)) == 6


def test_the_warmup_can_be_disabled(model):
    arguments = ("--model-name", "counted", "--model-base-path", str(model))
    with LocalServer(*arguments, "--enable_model_warmup=false") as server:
        assert runs(RawClient(server)) == 0


def test_more_than_a_thousand_records_are_refused(shared, tmp_path):
    logs = [predict_log(x=[1.0])] * 1001
    signatures = {"serving_default": half_plus_one}
    most = saved_models.save(tmp_path / "most", signatures, warmup=logs[:1000])
    more = saved_models.save(tmp_path / "more", signatures, warmup=logs)
    with pytest.raises(grpc.RpcError) as caught:
        saved_models.serve(shared, {"more": more, "most": most})
    assert "Number of warmup records exceeds the maximum (1000) at" in caught.value.details()
    assert "name: most" not in caught.value.details()
    assert runs_at_all(RawClient(shared), "most")
    assert not runs_at_all(RawClient(shared), "more")


def runs_at_all(client, name):
    return client.post(f"/v1/models/{name}:predict", {"inputs": [1.0]})[0] == 200


def test_a_model_without_requests_is_logged_once(shared, tmp_path):
    base_path = saved_models.save(tmp_path / "without", {"serving_default": half_plus_one})
    saved_models.serve(shared, {"without": base_path})
    assert shared.log().count(f"{NO_WARMUP} {base_path}/1/") == 1
