"""Warm-up requests, which a server answers before its first client waits for it."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_serving.apis import (
    classification_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from tfx_pipeline.modeling.columns import Column
from tfx_pipeline.modeling.feature_table import Table

_FOLDER = "assets.extra"
_FILE = "tf_serving_warmup_requests"


def write(folder: str, table: Table, transform: tft.TFTransformOutput) -> None:
    """Writes one request for each signature: a typical row and one without any value."""
    rows = [typical_row(table, transform), {}]
    logs = [
        _predict("serving_default", {"examples": _examples(rows, table)}),
        _predict("columns", _columns(rows, table)),
        _predict("transform_features", {"examples": _examples(rows, table)}),
        _answer(rows, table),
    ]
    target = os.path.join(folder, _FOLDER)
    tf.io.gfile.makedirs(target)
    with tf.io.TFRecordWriter(os.path.join(target, _FILE)) as writer:
        for log in logs:
            writer.write(log.SerializeToString(deterministic=True))


def typical_row(table: Table, transform: tft.TFTransformOutput) -> dict[str, Any]:
    """A value for each column from its domain or vocabulary; 1 where neither is known."""
    return {f.name: _typical(f.column, f.config.transform, transform) for f in table.features}


def _typical(column: Column, treatment: str, transform: tft.TFTransformOutput) -> Any:
    if column.dtype != tf.string:
        low = column.int_range[0] if column.int_range else 1
        return int(low) if column.dtype == tf.int64 else float(low)
    if column.values:
        return column.values[0].encode()
    if treatment == "vocabulary":
        return transform.vocabulary_by_name(column.name)[0]
    return b"a"


def _example(row: dict[str, Any], table: Table) -> tf.train.Example:
    example = tf.train.Example()
    for feature in table.features:
        if feature.name not in row:
            continue
        holder = example.features.feature[feature.name]
        kinds = {tf.string: "bytes_list", tf.int64: "int64_list", tf.float32: "float_list"}
        getattr(holder, kinds[feature.column.dtype]).value.append(row[feature.name])
    return example


def _examples(rows: list[dict[str, Any]], table: Table) -> list[bytes]:
    return [_example(row, table).SerializeToString(deterministic=True) for row in rows]


def _columns(rows: list[dict[str, Any]], table: Table) -> dict[str, tf.Tensor]:
    missing = {tf.string: b"", tf.float32: float("nan"), tf.int64: 0}
    specs = [feature.raw_spec() for feature in table.features]
    return {
        spec.name: tf.constant(
            [row.get(spec.name, missing[spec.dtype]) for row in rows], spec.dtype
        )
        for spec in specs
    }


def _predict(signature: str, inputs: dict[str, Any]) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest(model_spec=_spec(signature))
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log)


def _answer(rows: list[dict[str, Any]], table: Table) -> prediction_log_pb2.PredictionLog:
    examples = [_example(row, table) for row in rows]
    if table.label.task == "regression":
        request = regression_pb2.RegressionRequest(model_spec=_spec("regress"))
        request.input.example_list.examples.extend(examples)
        log = prediction_log_pb2.RegressLog(request=request)
        return prediction_log_pb2.PredictionLog(regress_log=log)
    request = classification_pb2.ClassificationRequest(model_spec=_spec("classify"))
    request.input.example_list.examples.extend(examples)
    log = prediction_log_pb2.ClassifyLog(request=request)
    return prediction_log_pb2.PredictionLog(classify_log=log)


def _spec(signature: str) -> model_pb2.ModelSpec:
    return model_pb2.ModelSpec(name="default", signature_name=signature)
