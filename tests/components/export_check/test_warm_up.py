"""Warm-up requests in an export: each must be answered."""

from __future__ import annotations

import pathlib

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tests.components import harness
from tests.components.export_check.findings import ROWS

pytestmark = pytest.mark.tensorflow


def write_warmup(model, *records: bytes) -> None:
    path = pathlib.Path(model.uri) / "Format-Serving/assets.extra/tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def predict_log(signature: str, **inputs) -> bytes:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    for name, values in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return log.SerializeToString()


def test_warm_up_requests_must_be_answered(check, tmp_path):
    model = harness.save(tmp_path / "model", harness.Scoring())
    write_warmup(
        model,
        predict_log("serving_default", examples=[harness.example(ROWS[0])]),
        predict_log("nowhere", examples=[b""]),
        predict_log("serving_default", examples=[b"no tf.Example"]),
        b"no PredictionLog",
    )
    _, findings = check(model)
    assert [f["found"][:9] for f in findings] == ["request 2", "request 3", "request 4"]
    assert "there is no signature 'nowhere'" in findings[0]["found"]


def test_a_warm_up_file_that_is_none_is_refused(check, tmp_path):
    model = harness.save(tmp_path / "model", harness.Scoring())
    write_warmup(model)
    path = pathlib.Path(model.uri) / "Format-Serving/assets.extra/tf_serving_warmup_requests"
    path.write_bytes(b"hello, this is no TFRecord at all")
    _, findings = check(model)
    assert [f["rule"] for f in findings] == ["is a TFRecord of PredictionLogs"]
