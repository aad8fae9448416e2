"""Small data and small models for the tests of Evaluator and ExportCheck."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.types import Artifact, standard_artifacts

LABEL = "big"
SCHEMA = """
feature { name: "miles" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "hour" type: INT value_count { min: 0 max: 1 } }
feature { name: "city" type: BYTES value_count { min: 0 max: 1 } }
feature { name: "big" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""
SPEC = {
    "miles": tf.io.FixedLenFeature([], tf.float32, 0.0),
    "hour": tf.io.FixedLenFeature([], tf.int64, 0),
    "city": tf.io.FixedLenFeature([], tf.string, ""),
}
Row = dict[str, Any]


def artifact(kind: type[Artifact], folder: pathlib.Path, id_: int = 0, **properties) -> Artifact:
    """An artifact with its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    result = kind()
    result.uri, result.id = str(folder), id_
    for name, value in properties.items():
        setattr(result, name, value)
    return result


def published(result: Any, given: Artifact, key: str) -> Artifact:
    """An output with the properties that TFX's launcher publishes after `Do`.

    If `Do` returns an ExecutorOutput, these are the ones in it.
    """
    if result is None:
        return given
    (stored,) = result.output_artifacts[key].artifacts
    given.set_mlmd_artifact(stored)
    return given


def rows(count: int, seed: int = 0) -> list[Row]:
    """Rows in which the label depends on miles and city."""
    random = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        row = {"miles": float(np.float32(random.normal(5, 3))), "hour": int(random.integers(24))}
        if random.random() > 0.3:
            row["city"] = random.choice(["Rome", "Oslo", "Bath"])
        score = row["miles"] - 5 + 3 * (row.get("city") == "Rome") + random.normal(0, 2)
        result.append({**row, LABEL: int(score > 0)})
    return result


def example(row: Row) -> bytes:
    """A serialized tf.Example."""
    result = tf.train.Example()
    for name, value in row.items():
        feature = result.features.feature[name]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return result.SerializeToString(deterministic=True)


def examples(folder: pathlib.Path, given: list[Row]) -> Artifact:
    """An Examples artifact with a train and a test split."""
    for split in ("train", "test"):
        path = folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for row in given:
                writer.write(example(row))
    names = json.dumps(["train", "test"])
    return artifact(standard_artifacts.Examples, folder, split_names=names)


def schema(folder: pathlib.Path) -> Artifact:
    """A Schema artifact."""
    result = artifact(standard_artifacts.Schema, folder)
    (folder / "schema.pbtxt").write_text(SCHEMA)
    return result


class Scoring(tf.Module):
    """A model by hand: the probability of class 1 from miles and city."""

    def __init__(self, yes: Callable[[dict[str, tf.Tensor]], tf.Tensor] | None = None):
        super().__init__()
        self.weight = tf.Variable(1.0)
        self._yes = yes or (lambda raw: tf.sigmoid(clean(raw["miles"]) - 5.0 + is_rome(raw)))

    def answer(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        yes = self.weight * self._yes(raw)
        return {"probabilities": tf.stack([1 - yes, yes], axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples):
        return self.answer(tf.io.parse_example(examples, SPEC))

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, name="miles"),
            tf.TensorSpec([None], tf.float32, name="hour"),
            tf.TensorSpec([None], tf.string, name="city"),
        ]
    )
    def columns(self, miles, hour, city):
        hour = tf.cast(clean(hour), tf.int64)
        return self.answer({"miles": clean(miles), "hour": hour, "city": city})


def clean(values: tf.Tensor) -> tf.Tensor:
    """Finite numbers."""
    finite = tf.where(tf.math.is_finite(values), values, tf.zeros_like(values))
    return tf.clip_by_value(finite, -1e6, 1e6)


def is_rome(raw: dict[str, tf.Tensor]) -> tf.Tensor:
    return 3 * tf.cast(raw["city"] == "Rome", tf.float32)


def save(folder: pathlib.Path, module: tf.Module, id_: int = 1, **signatures: Any) -> Artifact:
    """A Model artifact; its signatures are `serving_default` and `columns` unless given."""
    found = signatures or {"serving_default": module.serve, "columns": module.columns}
    target = os.path.join(folder, "Format-Serving")
    tf.saved_model.save(module, target, signatures=found)
    return artifact(standard_artifacts.Model, folder, id_)


def sigmoid(values: list[float]) -> np.ndarray:
    return 1 / (1 + np.exp(-np.array(values)))


def probabilities(given: list[Row]) -> np.ndarray:
    """The probabilities that `Scoring` returns."""
    return sigmoid([row["miles"] - 5 + 3 * (row.get("city") == "Rome") for row in given])
