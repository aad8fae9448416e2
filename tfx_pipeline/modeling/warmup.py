"""Warm-up requests. A server runs them when it loads the model, before clients send theirs."""

from __future__ import annotations

import datetime
import os
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_serving.apis import (
    classification_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from tfx_pipeline.config.image_format import GREY
from tfx_pipeline.modeling import graph_names
from tfx_pipeline.modeling.columns import MISSING_BOOLEAN
from tfx_pipeline.modeling.feature import Feature
from tfx_pipeline.modeling.feature_table import Table

_FOLDER = "assets.extra"
_FILE = "tf_serving_warmup_requests"

_EXAMPLE_LISTS = {tf.string: "bytes_list", tf.int64: "int64_list", tf.float32: "float_list"}
_MISSING = {
    tf.string: b"",
    tf.float32: float("nan"),
    tf.float64: float("nan"),
    tf.int64: 0,
    tf.bool: False,
    tf.int8: MISSING_BOOLEAN,
}


def write(folder: str, table: Table, transform: tft.TFTransformOutput) -> None:
    """Writes one request for each signature, with a typical row and a row without any value.

    Args:
      folder: of the SavedModel.
      table: the features and the label.
      transform: Transform's output, for the values of vocabularies.
    """
    rows = [typical_row(table, transform), {}]
    examples = [_example(row, table) for row in rows]
    serialized = [example.SerializeToString(deterministic=True) for example in examples]
    logs = [
        _predict_log("serving_default", {"examples": serialized}),
        _predict_log("columns", _columns(rows, table)),
        _predict_log("transform_features", {"examples": serialized}),
        _task_log(table.label.task, examples),
    ]
    target = os.path.join(folder, _FOLDER)
    tf.io.gfile.makedirs(target)
    with tf.io.TFRecordWriter(os.path.join(target, _FILE)) as writer:
        for log in logs:
            writer.write(log.SerializeToString(deterministic=True))


def typical_row(table: Table, transform: tft.TFTransformOutput) -> dict[str, Any]:
    """A value for each column, from its domain or vocabulary; 1 or "a" if it has neither."""
    return {feature.name: _typical_value(feature, transform) for feature in table.features}


def _typical_value(feature: Feature, transform: tft.TFTransformOutput) -> int | float | bytes:
    column = feature.column
    if column.dtype != tf.string:
        low = column.int_range[0] if column.int_range else 1
        return int(low) if column.dtype == tf.int64 else float(low)
    if column.values:
        return column.values[0].encode()
    if feature.transform == "image":
        return GREY
    if feature.transform == "datetime":
        text_format = column.declared.format if column.declared else None
        return datetime.date(2024, 1, 31).strftime(text_format or "%Y-%m-%d").encode()
    if feature.transform == "vocabulary":
        return transform.vocabulary_by_name(graph_names.of_vocabulary(column.name))[0]
    return b"a"


def _example(row: dict[str, Any], table: Table) -> tf.train.Example:
    example = tf.train.Example()
    for feature in table.features:
        if feature.name in row:
            values = getattr(
                example.features.feature[feature.name], _EXAMPLE_LISTS[feature.column.dtype]
            )
            values.value.append(row[feature.name])
    return example


def _columns(rows: list[dict[str, Any]], table: Table) -> dict[str, tf.Tensor]:
    """The rows as inputs of the `columns` signature, each [rows] or [rows, 1]."""
    inputs = {}
    for spec in (feature.column.serving_spec() for feature in table.features):
        values = [row.get(spec.name, _MISSING[spec.dtype]) for row in rows]
        array = np.array(values, spec.dtype.as_numpy_dtype)
        inputs[spec.name] = tf.constant(array[:, np.newaxis] if spec.shape.rank == 2 else array)
    return inputs


def _predict_log(signature: str, inputs: dict[str, Any]) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest(model_spec=_model_spec(signature))
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log)


def _task_log(task: str, examples: list[tf.train.Example]) -> prediction_log_pb2.PredictionLog:
    """A request for `regress` or `classify`."""
    if task == "regression":
        regression = regression_pb2.RegressionRequest(model_spec=_model_spec("regress"))
        regression.input.example_list.examples.extend(examples)
        return prediction_log_pb2.PredictionLog(
            regress_log=prediction_log_pb2.RegressLog(request=regression)
        )
    request = classification_pb2.ClassificationRequest(model_spec=_model_spec("classify"))
    request.input.example_list.examples.extend(examples)
    return prediction_log_pb2.PredictionLog(
        classify_log=prediction_log_pb2.ClassifyLog(request=request)
    )


def _model_spec(signature: str) -> model_pb2.ModelSpec:
    return model_pb2.ModelSpec(name="default", signature_name=signature)
