"""A plain pandas + Keras script for the same columns and the same network.

No validation, no metadata, no gate, no evaluation by slice, no preprocessing in the
model: this is not what anybody should deploy. It shows what the rest costs.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import pandas as pd
import tf_keras

LABEL = "big_tipper"
BUCKETS = {"fare": 50, "pickup_latitude": 10, "pickup_longitude": 10,
           "dropoff_latitude": 10, "dropoff_longitude": 10}  # fmt: skip
LOGS = ("trip_miles", "trip_seconds")
CODES = ("trip_start_hour", "trip_start_day", "trip_start_month", "pickup_community_area",
         "dropoff_community_area", "payment_type", "company")  # fmt: skip


def main(folder: str) -> None:
    """Reads, trains, and prints the metrics on a fifth of the rows."""
    data = pd.concat(pd.read_csv(file) for file in pathlib.Path(folder).glob("*.csv"))
    part = np.random.default_rng(1).random(len(data))
    features, labels = encode(data), data[LABEL].to_numpy("float32")
    train, test = part < 0.6, part >= 0.8
    tf_keras.utils.set_random_seed(1)
    model = network(features.shape[1])
    model.fit(features[train], labels[train], batch_size=256, epochs=epochs(train.sum()), verbose=0)
    _, auc, accuracy = model.evaluate(features[test], labels[test], batch_size=4096, verbose=0)
    print(json.dumps({"metrics": {"auc": auc, "binary_accuracy": accuracy}}))


def epochs(rows: int, steps: int = 600) -> int:
    """As many passes as this project makes on the bundled table before it stops early."""
    return max(1, round(steps * 256 / rows))


def encode(data: pd.DataFrame) -> np.ndarray:
    """One-hot codes and buckets, z-scores of logarithms."""
    columns = [pd.get_dummies(data[name].fillna("missing")) for name in CODES]
    for name, buckets in BUCKETS.items():
        columns.append(pd.get_dummies(pd.qcut(data[name], buckets, duplicates="drop")))
    for name in LOGS:
        values = np.log1p(data[name].fillna(data[name].median()))
        columns.append(((values - values.mean()) / values.std()).to_frame())
    return np.concatenate([column.to_numpy("float32") for column in columns], axis=1)


def network(width: int) -> tf_keras.Model:
    """A hidden layer beside a linear part, as in the bundled example."""
    inputs = tf_keras.Input((width,))
    hidden = tf_keras.layers.Dropout(0.2)(tf_keras.layers.Dense(32, "relu")(inputs))
    logits = tf_keras.layers.Dense(1)(hidden) + tf_keras.layers.Dense(1)(inputs)
    model = tf_keras.Model(inputs, logits)
    model.compile(
        tf_keras.optimizers.Adam(0.002),
        tf_keras.losses.BinaryCrossentropy(from_logits=True),
        [tf_keras.metrics.AUC(from_logits=True), tf_keras.metrics.BinaryAccuracy(threshold=0.0)],
        steps_per_execution=50,
    )
    return model


if __name__ == "__main__":
    main(sys.argv[1])
