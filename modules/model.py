"""The network: numbers and embeddings into dense layers, beside a linear part.

What is trained ends in logits; what is exported ends in probabilities or, for
regression, in the label's own units.
"""

from __future__ import annotations

from typing import Any

import tensorflow_transform as tft
import tf_keras

from tfx_pipeline.compat.graph_training import functional_model
from tfx_pipeline.config import models as config_lib
from tfx_pipeline.modeling.feature_table import Table

layers = tf_keras.layers


def build_model(
    table: Table, config: config_lib.Model, transform: tft.TFTransformOutput
) -> tf_keras.Model:
    """Returns the model to train: transformed features -> logits (or one standardised number)."""
    inputs, encoded = {}, []
    for feature in table.features:
        own = feature.model_inputs()
        inputs.update(own)
        encoded += feature.encode(own, transform)
    everything = layers.Concatenate(name="features")(encoded) if len(encoded) > 1 else encoded[0]
    outputs = _network(everything, config, output_units(table, transform))
    return functional_model(inputs, outputs, name="network")


def output_units(table: Table, transform: tft.TFTransformOutput) -> int:
    """One logit for two classes, one for each of several, one number for regression."""
    if table.label.task != "multiclass":
        return 1
    return len(table.label.classes(transform))


def _network(features: Any, config: config_lib.Model, units: int) -> Any:
    l2 = tf_keras.regularizers.L2(config.l2) if config.l2 else None
    hidden = features
    for width in config.hidden_units:
        hidden = layers.Dense(width, activation="relu", kernel_regularizer=l2)(hidden)
        if config.dropout:
            hidden = layers.Dropout(config.dropout)(hidden)
    deep = layers.Dense(units, kernel_regularizer=l2, name="deep")(hidden)
    if not config.wide:
        return deep
    wide = layers.Dense(units, use_bias=False, kernel_regularizer=l2, name="wide")(features)
    return layers.Add(name="logits")([deep, wide])


def compile_model(
    model: tf_keras.Model, task: str, training: config_lib.Training, steps_per_execution: int
) -> None:
    """Sets loss, metrics and an optimizer whose learning rate falls to a twentieth."""
    rate = tf_keras.optimizers.schedules.CosineDecay(
        training.learning_rate, training.steps, alpha=0.05
    )
    losses, metrics = tf_keras.losses, tf_keras.metrics
    loss, watched = {
        "binary": (losses.BinaryCrossentropy(from_logits=True), [metrics.AUC(from_logits=True)]),
        "multiclass": (losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]),
        "regression": (losses.MeanSquaredError(), ["mae"]),
    }[task]
    model.compile(
        tf_keras.optimizers.Adam(rate),
        loss,
        weighted_metrics=watched,
        steps_per_execution=steps_per_execution,
    )
    # Otherwise the training loop is traced once more, to make these variables.
    model.optimizer.build(model.trainable_variables)


def export_model(
    network: tf_keras.Model, task: str, mean: float = 0.0, std: float = 1.0
) -> tf_keras.Model:
    """Returns the model to serve: [batch, classes] probabilities or [batch, 1] predictions."""
    logits = network.output
    if task == "binary":
        positive = layers.Activation("sigmoid", name="positive")(logits)
        opposite = layers.Rescaling(-1.0, name="opposite")(logits)
        negative = layers.Activation("sigmoid", name="negative")(opposite)
        outputs = layers.Concatenate(name="probabilities")([negative, positive])
    elif task == "multiclass":
        outputs = layers.Softmax(name="probabilities")(logits)
    else:
        outputs = layers.Rescaling(std, mean, name="predictions")(logits)
    return tf_keras.Model(network.input, outputs, name="model")
