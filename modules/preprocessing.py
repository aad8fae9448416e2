"""From raw columns to what the network reads. TFX Transform calls `preprocessing_fn`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_pipeline.modeling.feature_table import load_table
from tfx_pipeline.modeling.preprocessing import transform_columns


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Transforms the features and the label as pipeline.yaml says.

    Args:
      inputs: raw columns, dense, sparse or ragged as the schema says.
      custom_config: the sections `features` and `label` of pipeline.yaml, and the
        schema's text as `schema`.

    Returns:
      Tensors of shape [batch, 1]: float32 numbers and int64 ids.
    """
    # The features and the label, with their types and domains from the schema.
    table = load_table(custom_config, custom_config["schema"])

    # Each feature as its `transform` says, and the label as a class id or a number.
    outputs = transform_columns(inputs, table)

    # Add your own columns here, with TensorFlow and TensorFlow Transform (tft):
    #   fare = table.features[0].column.numbers(inputs, missing=0.0)  # float64 [batch]
    #   outputs["expensive"] = tf.cast(fare > 50.0, tf.float32)[:, tf.newaxis]
    # Then give the network an input of the same name, in model.py.
    return outputs
