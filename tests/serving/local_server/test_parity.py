"""Every client and API gives the same numbers."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.serving.conftest import MODEL
from tfx_pipeline.serving import AsyncClient, Client
from tfx_pipeline.serving.protocol import protos

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

SAME = 1e-6


@pytest.fixture(scope="module")
def expected(version, taxi_rows):
    """The predictions of a bare session through `serving_default`."""
    from tfx_pipeline.serving.local_server.servable import Servable

    servable = Servable(str(version))
    examples = np.array([example(row).SerializeToString() for row in taxi_rows], object)
    answer = servable.run("serving_default", {"examples": examples})
    servable.close()
    assert np.ptp(answer["probabilities"][:, 1]) > 0.3
    return answer["probabilities"]


def example(row):
    message = protos.message("tensorflow.Example")()
    floats = ("fare", "trip_miles", "pickup_latitude", "pickup_longitude")
    floats += ("dropoff_latitude", "dropoff_longitude")
    for name, value in row.items():
        feature = message.features.feature[name]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif name in floats:
            feature.float_list.value.append(value)
        else:
            feature.int64_list.value.append(int(value))
    return message


@pytest.mark.parametrize("side", ["grpc", "rest"])
def test_the_client(server, taxi_rows, expected, side):
    with Client(getattr(server, side), MODEL) as client:
        answer = client.predict(taxi_rows)
    assert answer["probabilities"] == pytest.approx(expected, abs=SAME)
    assert answer["classes"].tolist() == [["0", "1"]] * len(taxi_rows)


@pytest.mark.parametrize("side", ["grpc", "rest"])
def test_the_client_in_an_event_loop(server, taxi_rows, expected, side):
    async def predict():
        async with AsyncClient(getattr(server, side), MODEL, chunk_rows=7) as client:
            return await client.predict(taxi_rows)

    assert asyncio.run(predict())["probabilities"] == pytest.approx(expected, abs=SAME)


@pytest.mark.parametrize("side", ["grpc", "rest"])
@pytest.mark.parametrize(
    ("signature", "output"), [("serving_default", "probabilities"), ("classify", "scores")]
)
def test_signatures_that_take_examples(server, taxi_rows, expected, side, signature, output):
    with Client(getattr(server, side), MODEL, signature=signature) as client:
        assert client.predict(taxi_rows)[output] == pytest.approx(expected, abs=SAME)


def test_chunks_come_back_in_order(server, taxi_rows, expected):
    with Client(server.grpc, MODEL, chunk_rows=13) as client:
        assert client.predict(taxi_rows)["probabilities"] == pytest.approx(expected, abs=SAME)


def test_a_data_frame_and_an_arrow_table(server, taxi_rows, expected):
    import pandas as pd
    import pyarrow as pa

    frame = pd.DataFrame(taxi_rows)
    with Client(server.grpc, MODEL) as client:
        of_frame = client.predict(frame)["probabilities"]
        of_table = client.predict(pa.Table.from_pandas(frame))["probabilities"]
    assert of_frame == pytest.approx(expected, abs=SAME)
    assert of_table == pytest.approx(expected, abs=SAME)


def test_a_csv_file(server, trained, expected):
    with Client(server.grpc, MODEL) as client:
        answer = client.predict(trained.data)["probabilities"]
    assert len(answer) == 15002
    assert answer[: len(expected)] == pytest.approx(expected, abs=SAME)


def test_classify(raw_client, taxi_rows, expected):
    request = protos.message("ClassificationRequest")()
    request.model_spec.name, request.model_spec.signature_name = MODEL, "classify"
    request.input.example_list.examples.extend(map(example, taxi_rows))
    reply = raw_client.prediction("Classify", request)
    scores = [[item.score for item in row.classes] for row in reply.result.classifications]
    assert np.array(scores) == pytest.approx(expected, abs=SAME)
    assert [item.label for item in reply.result.classifications[0].classes] == ["0", "1"]
    assert reply.model_spec.version.value == 2


def test_classify_over_rest(raw_client, taxi_rows, expected):
    body = {"signature_name": "classify", "examples": [as_json_example(taxi_rows[0])]}
    status, reply = raw_client.post(f"/v1/models/{MODEL}:classify", body)
    assert status == 200
    labels, scores = zip(*reply["results"][0])
    assert labels == ("0", "1")
    assert list(scores) == pytest.approx(expected[0], abs=SAME)


def as_json_example(row):
    """TensorFlow Serving makes floats of numbers with a point, integers of the others."""
    floats = ("fare", "trip_miles")
    return {name: float(value) if name in floats else value for name, value in row.items()}


def test_multi_inference(raw_client, taxi_rows, expected):
    request = protos.message("MultiInferenceRequest")()
    task = request.tasks.add(method_name="tensorflow/serving/classify")
    task.model_spec.name, task.model_spec.signature_name = MODEL, "classify"
    request.input.example_list.examples.extend(map(example, taxi_rows))
    reply = raw_client.prediction("MultiInference", request)
    rows = reply.results[0].classification_result.classifications
    scores = [[item.score for item in row.classes] for row in rows]
    assert np.array(scores) == pytest.approx(expected, abs=SAME)


def predict_command(trained, *arguments, text=None):
    command = [sys.executable, "-m", "tfx_pipeline", "predict", *arguments]
    return subprocess.run(
        command, cwd=trained.folder, input=text, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("side", ["grpc", "rest"])
@pytest.mark.parametrize("signature", ["columns", "serving_default"])
def test_predict_with_a_csv_file(server, trained, expected, side, signature):
    options = ("--target", getattr(server, side), "--signature", signature)
    done = predict_command(trained, *options, "data/taxi/trips.csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 15002
    found = [[float(row["probability_0"]), float(row["probability_1"])] for row in rows[:200]]
    assert np.array(found) == pytest.approx(expected, abs=SAME)
    assert "15,002 rows" in done.stderr


def test_predict_with_json_lines(server, trained, taxi_rows, expected):
    text = "".join(json.dumps(row) + "\n" for row in taxi_rows)
    done = predict_command(trained, "--target", server.grpc, "--format", "jsonl", "-", text=text)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["probabilities"] for row in rows] == pytest.approx(expected, abs=SAME)


@pytest.mark.parametrize("signature", ["columns", "serving_default"])
def test_the_printed_curl_command_gives_the_same(server, trained, expected, signature):
    options = ("--target", server.rest, "--print-curl", "--signature", signature)
    done = predict_command(trained, *options, "data/taxi/trips.csv")
    curl = subprocess.run(["sh", "-c", done.stdout], capture_output=True, text=True, check=True)
    found = [row["probabilities"] for row in json.loads(curl.stdout)["predictions"]]
    assert found == pytest.approx(expected[:3], abs=SAME)


def test_a_split_gives_each_row_to_one_version(server, trained, expected):
    arguments = ("--canary-percent", "25", "--key", "trip_start_timestamp")
    done = predict_command(trained, "--target", server.grpc, *arguments, "data/taxi/trips.csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [float(row["probability_1"]) for row in rows[:200]] == pytest.approx(
        expected[:, 1], abs=SAME
    )
    lines = {line.split()[0]: line.split() for line in done.stderr.splitlines()}
    assert lines["canary"][1] == "2"
    assert lines["stable"][1] == "1"
    assert float(lines["canary"][3]) == pytest.approx(25, abs=3)
