"""A model that cannot be loaded or called does not affect the others."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import text_format

from tests.serving import saved_models
from tests.serving.harness import RawClient
from tests.serving.saved_models import half_plus_one, info, predict_log
from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving import LocalServer

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

ONE = {"instances": [2.0]}
TWO = {"predictions": [2.0]}

RECORDS = {
    "no_record": ([b"\xff\xff\xff"], "INVALID_ARGUMENT", "Failed to parse warmup record"),
    "unknown_input": (
        [b"good", b"unknown"],
        "INVALID_ARGUMENT",
        "warm-up failed: input size does not match signature",
    ),
    "session_run": ([b"session run"], "UNIMPLEMENTED", "Unsupported log_type for warmup: 5"),
}


def records(kinds):
    from tensorflow_serving.apis import prediction_log_pb2

    session_run = prediction_log_pb2.PredictionLog()
    session_run.session_run_log.SetInParent()
    known = {
        b"good": predict_log(x=[1.0]),
        b"unknown": predict_log(x=[1.0], z=[1.0]),
        b"session run": session_run.SerializeToString(),
    }
    return [known.get(kind, kind) for kind in kinds]


@pytest.fixture
def good(tmp_path):
    return saved_models.save(tmp_path / "good", {"serving_default": half_plus_one})


def status(client, name):
    (version,) = client.get(f"/v1/models/{name}")[1]["model_version_status"]
    return version["state"], version["status"]["error_code"], version["status"]["error_message"]


@pytest.mark.parametrize("case", RECORDS)
def test_a_wrong_warmup_record_fails_only_its_model(shared, good, tmp_path, case):
    kinds, code, message = RECORDS[case]
    bad = saved_models.save(
        tmp_path / case, {"serving_default": half_plus_one}, warmup=records(kinds)
    )
    with pytest.raises(grpc.RpcError) as caught:
        saved_models.serve(shared, {case: bad, "good": good})
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert caught.value.details().startswith(
        "1 model(s) did not become available: "
        f"{{{{{{name: {case} version: 1}} due to error: {code}: "
    )
    client = RawClient(shared)
    state, found_code, found = status(client, case)
    assert (state, found_code) == ("END", code)
    assert message in found
    assert client.post("/v1/models/good:predict", ONE) == (200, TWO)


def test_a_warmup_file_that_is_cut_off(shared, good, tmp_path):
    log = predict_log(x=[1.0])
    bad = saved_models.save(tmp_path / "bad", {"serving_default": half_plus_one}, warmup=[log])
    path = bad / "1" / "assets.extra" / "tf_serving_warmup_requests"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(grpc.RpcError):
        saved_models.serve(shared, {"cut_off": bad, "good": good})
    state, code, message = status(RawClient(shared), "cut_off")
    assert (state, code) == ("END", "DATA_LOSS")
    assert message.endswith("Please verify your warmup data is in TFRecord format.")


def no_outputs():
    return half_plus_one()[0], {}


def sparse_output():
    output = info("")
    output.coo_sparse.values_tensor_name = "x:0"
    return half_plus_one()[0], {"y": output}


def absent_tensor():
    return half_plus_one()[0], {"y": info("absent:0")}


def output_is_input():
    inputs, _ = half_plus_one()
    return inputs, {"y": inputs["x"]}


def two_names_for_one_input():
    inputs, outputs = half_plus_one()
    return {"a": inputs["x"], "b": inputs["x"]}, outputs


UNUSUAL = {
    no_outputs: "Must specify at least one target to fetch or execute.",
    sparse_output: "was not found in the Graph",
    absent_tensor: "Tensor absent:0, specified in either feed_devices or fetch_devices was not",
    output_is_input: "is both fed and fetched.",
    two_names_for_one_input: "fed more than once.",
}


@pytest.mark.parametrize("unusual", UNUSUAL)
def test_a_signature_that_cannot_be_called_fails_only_its_requests(shared, tmp_path, unusual):
    signatures = {"serving_default": half_plus_one, "unusual": unusual}
    model, path = unusual.__name__, f"/v1/models/{unusual.__name__}:predict"
    client = saved_models.serve(shared, {model: saved_models.save(tmp_path, signatures)})
    assert client.post(path, ONE) == (200, TWO)
    names = ("a", "b") if unusual is two_names_for_one_input else ("x",)
    body = {"signature_name": "unusual", "inputs": {name: [1.0] for name in names}}
    code, reply = client.post(path, body)
    assert code == 400
    assert UNUSUAL[unusual] in reply["error"]


def test_at_the_start_the_other_models_are_served(good, tmp_path):
    bad = saved_models.save(
        tmp_path / "bad", {"serving_default": half_plus_one}, warmup=[b"\xff\xff"]
    )
    config = tmp_path / "models.config"
    models = saved_models.config_of({"bad": bad, "good": good})
    config.write_text(text_format.MessageToString(models))
    with LocalServer("--model-config-file", str(config)) as server:
        client = RawClient(server)
        assert status(client, "bad")[:2] == ("END", "INVALID_ARGUMENT")
        assert client.post("/v1/models/good:predict", ONE) == (200, TWO)


def test_a_server_whose_only_model_cannot_be_loaded_does_not_start(tmp_path):
    (tmp_path / "bad" / "1").mkdir(parents=True)
    (tmp_path / "bad" / "1" / "saved_model.pb").write_bytes(b"nonsense")
    server = LocalServer("--model-name", "bad", "--model-base-path", str(tmp_path / "bad"))
    with pytest.raises(ServingError, match="Failed to start server") as caught:
        server.start()
    assert "1 model(s) did not become available: {{{name: bad" in str(caught.value)
    assert " ready: " not in server.log()
    assert server.process.returncode == 2


def test_a_name_cannot_forge_a_line_of_the_log(shared, good, tmp_path):
    name = "a\n2026-01-01 00:00:00,000 INFO forged name"
    path = tmp_path / "b\n2026-01-01 00:00:00,000 INFO forged path"
    saved_models.serve(shared, {name: path, "good": good})
    log = shared.log()
    assert "forged path" in log
    assert "forged name" in log
    assert not [line for line in log.splitlines() if line.startswith("2026-01-01")]
