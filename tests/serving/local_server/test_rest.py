"""The replies of TensorFlow Serving's REST API to valid and to wrong requests."""

from __future__ import annotations

import base64
import json

import pytest

from tests.serving.harness import MODEL_PATH, columns_request

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

ROW = {
    "trip_miles": 12.0, "trip_start_month": 5, "fare": 30.5, "trip_start_timestamp": 1400269500,
    "company": "Flash Cab", "payment_type": "Credit Card", "trip_start_day": 6,
    "dropoff_community_area": 8.0, "trip_seconds": 900.0, "trip_start_hour": 19,
}  # fmt: skip
MISSING = [
    "pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude",
    "pickup_community_area",
]  # fmt: skip


def request(**changes):
    return columns_request({**ROW, **changes}, MISSING)


def without(name):
    body = request()
    del body["instances"][0][name]
    return body


def test_the_row_format(raw_client):
    status, reply = raw_client.predict(request())
    assert status == 200
    (row,) = reply["predictions"]
    assert row["classes"] == ["0", "1"]
    assert sum(row["probabilities"]) == pytest.approx(1, abs=1e-6)


def test_the_column_format(raw_client):
    (row,) = raw_client.predict(request())[1]["predictions"]
    columns = {name: [value] for name, value in request()["instances"][0].items()}
    status, reply = raw_client.predict({"signature_name": "columns", "inputs": columns})
    assert status == 200
    assert reply["outputs"] == {name: [value] for name, value in row.items()}


def test_a_column_may_be_batch_by_one(raw_client):
    (row,) = raw_client.predict(request())[1]["predictions"]
    instance = {name: [value] for name, value in request()["instances"][0].items()}
    body = {"signature_name": "columns", "instances": [instance]}
    assert raw_client.predict(body)[1]["predictions"] == [row]


def test_strings_may_be_base64(raw_client):
    company = {"b64": base64.b64encode(b"Flash Cab").decode()}
    assert raw_client.predict(request(company=company)) == raw_client.predict(request())


def test_one_input_needs_no_name(raw_client):
    example = {"b64": ""}
    plain = raw_client.predict({"instances": [example]})
    named = raw_client.predict({"instances": [{"examples": example}]})
    assert plain == named
    assert plain[0] == 200
    column = raw_client.predict({"inputs": [example]})
    assert column[1]["outputs"]["probabilities"][0] == plain[1]["predictions"][0]["probabilities"]


def test_versions_and_labels(raw_client):
    paths = (":predict", "/versions/1:predict", "/versions/2:predict", "/labels/stable:predict")
    answers = [raw_client.post(MODEL_PATH + path, request()) for path in paths]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 200


def test_the_status(raw_client):
    status, reply = raw_client.get(MODEL_PATH)
    assert status == 200
    assert reply == {
        "model_version_status": [
            {
                "version": version,
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
            for version in ("2", "1")
        ]
    }
    assert (
        raw_client.get(f"{MODEL_PATH}/versions/1")[1]["model_version_status"][0]["version"] == "1"
    )
    assert (
        raw_client.get(f"{MODEL_PATH}/labels/canary")[1]["model_version_status"][0]["version"]
        == "2"
    )


def test_the_metadata(raw_client):
    status, reply = raw_client.get(f"{MODEL_PATH}/versions/1/metadata")
    assert status == 200
    assert reply["model_spec"] == {"name": "chicago-taxi", "signature_name": "", "version": "1"}
    signatures = reply["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "columns", "classify", "transform_features"}
    assert signatures["columns"]["inputs"]["fare"]["dtype"] == "DT_FLOAT"
    assert signatures["classify"]["method_name"] == "tensorflow/serving/classify"


def test_the_metrics(raw_client):
    raw_client.predict(request())
    raw_client.predict({})
    text = raw_client.text("/monitoring/prometheus/metrics")
    labels = 'model_name="chicago-taxi"'
    assert "\n# TYPE :tensorflow:serving:request_count counter\n" in text
    assert f':tensorflow:serving:request_count{{{labels},status="OK"}}' in text
    assert f':tensorflow:serving:request_count{{{labels},status="INVALID_ARGUMENT"}}' in text
    latency = f'request_latency_count{{API="Predict",entrypoint="REST",{labels}}}'
    assert f":tensorflow:serving:{latency}" in text
    assert f':tensorflow:serving:loaded_version{{{labels},version="2"}} 1.0' in text


ROW_ERROR = "Failed to process element: 0 key: {} of 'instances' list. Error: INVALID_ARGUMENT: "

REFUSED = {
    "nothing": (b"", "JSON Parse error: The document is empty"),
    "no JSON": (b'{"instances": [', "JSON Parse error: "),
    "no UTF-8": (b'{"instances": "\xff"}', "JSON Parse error: Invalid encoding"),
    "too deep": (b"[" * 100_000, "JSON Parse error: "),
    "a list": (b"[1]", "JSON Value: [1] Is not object"),
    "no rows": ({"instances": []}, "No values in 'instances' array"),
    "rows that are not a list": ({"instances": 3}, "Expecting 'instances' to be an list/array"),
    "neither": ({"signature_name": "columns"}, "Missing 'inputs' or 'instances' key"),
    "both": ({"instances": [1], "inputs": [1]}, "expecting only one of 'inputs' or 'instances'"),
    "a signature that is not a string": (
        {"signature_name": 3, "instances": [1]},
        "'signature_name' key must be a string value.",
    ),
    "an unknown signature": (
        {"signature_name": "colums", "instances": [1]},
        'Serving signature name: "colums" not found in signature def',
    ),
    "an unknown column": (
        request(trip_mile=3.0),
        ROW_ERROR.format("trip_mile")
        + "JSON object: does not have named input: trip_mile Did you mean 'trip_miles'?",
    ),
    "a missing column": (without("trip_miles"), "(missing: trip_miles)"),
    "text for a number": (
        request(fare="dear"),
        ROW_ERROR.format("fare")
        + 'JSON Value: "dear" Type: String is not of expected type: float',
    ),
    "a fraction for an integer": (request(trip_start_hour=1.5), "is not of expected type: int64"),
    "a number for a text": (request(company=3), "is not of expected type: string"),
    "true for a number": (request(fare=True), "Type: Boolean is not of expected type: float"),
    "null": (request(fare=None), "JSON Value: null Type: Null is not of expected type: float"),
    "an integer beyond 64 bits": (request(trip_start_hour=2**70), "not of expected type: int64"),
    "bad base64": (request(company={"b64": "*"}), "Unable to base64 decode"),
    "an object for a text": (request(company={"b": "x"}), "not formatted correctly for base64"),
    "a list for a row": (
        {"signature_name": "columns", "instances": [request()["instances"][0], [1]]},
        "Expecting object but got list at item 1 of input list",
    ),
    "plain rows for several inputs": (
        {"signature_name": "columns", "instances": [1.0]},
        "instances is a plain list, but expecting list of objects",
    ),
    "a missing named input": (
        {"signature_name": "columns", "inputs": {"fare": [1.0], "fares": [2.0]}},
        "in 'inputs' object. Unknown: fares.",
    ),
    "rows of two shapes": (
        {"signature_name": "columns", "instances": [*request()["instances"],
                                                    *request(fare=[1.0, 2.0])["instances"]]},
        "Failed to process element: 1 key: fare",
    ),
    "ragged columns": ({"instances": [[{"b64": ""}], []]}, "Expecting tensor size: 1 but got: 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_request_is_refused_with_a_reason(raw_client, case):
    body, message = REFUSED[case]
    status, reply = raw_client.predict(body)
    assert status == 400
    assert message in reply["error"]
    assert raw_client.predict(request())[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/chicago-taxy:predict", 404,
         "Servable not found for request: Latest(chicago-taxy). Did you mean 'chicago-taxi'?"),
        (f"{MODEL_PATH}/versions/7:predict", 404,
         "Servable not found for request: Specific(chicago-taxi, 7)"),
        (f"{MODEL_PATH}/labels/stabel:predict", 400,
         "Unrecognized servable version label: stabel. Did you mean 'stable'?"),
        (f"{MODEL_PATH}/versions/99999999999999999999:predict", 400,
         "Failed to convert version: 99999999999999999999 to numeric."),
        (f"{MODEL_PATH}/versions/{'1' * 5000}:predict", 400, "Failed to convert version: 1111"),
        (f"{MODEL_PATH}/versions/{'0' * 5000}7:predict", 404,
         "Servable not found for request: Specific(chicago-taxi, 7)"),
        (f"{MODEL_PATH}/versions/%D9%A3:predict", 400, "Malformed request: POST "),
        (f"{MODEL_PATH}:guess", 400, f"Malformed request: POST {MODEL_PATH}:guess"),
        (MODEL_PATH, 400, f"Malformed request: POST {MODEL_PATH}"),
        ("/v2/models", 404, "Not found: /v2/models"),
    ],
)  # fmt: skip
def test_a_wrong_path(raw_client, path, status, message):
    found, reply = raw_client.post(path, request())
    assert found == status
    assert reply["error"].startswith(message)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/nobody", 404, "Could not find any versions of model nobody"),
        (f"{MODEL_PATH}/versions/7", 404, "Could not find version 7 of model chicago-taxi"),
        ("/v1/models/nobody/metadata", 404, "Servable not found for request: Latest(nobody)"),
        (f"{MODEL_PATH}:predict", 400, f"Malformed request: GET {MODEL_PATH}:predict"),
        ("/v1/models", 400, "Missing model name in request."),
    ],
)
def test_a_wrong_get_request(raw_client, path, status, message):
    found, reply = raw_client.get(path)
    assert found == status
    assert reply["error"].startswith(message)


EXAMPLES_REFUSED = [
    ({}, "key 'examples' is expected and was not found"),
    ({"examples": []}, "'examples' value is an empty array"),
    ({"examples": {}}, "Expecting 'examples' value to be an list/array"),
    ({"examples": [3]}, "Example must be JSON object but got JSON Number"),
    ({"examples": [{"fare": None}]}, "Feature: fare has element with unexpected JSON type: Null"),
    ({"examples": [{"fare": [1, "x"]}]}, "Unexpected element type in feature: fare"),
    ({"examples": [{"fare": 2**64 - 1}]}, "Only int64_t is supported."),
    ({"examples": [{}], "signature_name": "nix"}, "No signature was found with the name: nix"),
    ({"examples": [{}]}, "No classification inputs found in SignatureDef"),
    ({"examples": [{"fare": 3}], "signature_name": "classify"}, "fare"),
]


@pytest.mark.parametrize(("body", "message"), EXAMPLES_REFUSED)
def test_a_wrong_classify_request(raw_client, body, message):
    status, reply = raw_client.post(f"{MODEL_PATH}:classify", body)
    assert status == 400
    assert message in reply["error"]


def test_a_context_is_in_each_example(raw_client):
    path = f"{MODEL_PATH}:classify"
    plain = {"signature_name": "classify", "examples": [{"fare": 3.5, "company": "Flash Cab"}]}
    shared = {**plain, "context": {"company": "Flash Cab"}, "examples": [{"fare": 3.5}]}
    assert raw_client.post(path, shared) == raw_client.post(path, plain)


@pytest.mark.parametrize("text", ["Zürich タクシー 🚕", "x" * 1_000_000, "\u0000", '"\\\n'])
def test_any_text_is_a_company(raw_client, text):
    status, reply = raw_client.predict(request(company=text))
    assert status == 200
    assert len(reply["predictions"]) == 1


def test_a_hundred_megabytes(raw_client):
    row = json.dumps(request()["instances"][0])
    count = 100_000_000 // len(row) + 1
    body = f'{{"signature_name": "columns", "instances": [{",".join([row] * count)}]}}'.encode()
    assert len(body) > 100_000_000
    status, reply = raw_client.predict(body)
    assert status == 200
    assert len(reply["predictions"]) == count
    status, reply = raw_client.predict(body[:-5])
    assert status == 400
    assert len(reply["error"]) < 1000


def test_one_poisoned_row_fails_no_other_request(raw_client):
    import threading

    good, bad, failures = request(), request(fare="poison"), []

    def send(body, wanted):
        for _ in range(50):
            if raw_client.predict(body)[0] != wanted:
                failures.append(body)

    senders = [threading.Thread(target=send, args=args) for args in [(good, 200), (bad, 400)] * 2]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert failures == []
