"""From raw columns to what the model reads; TFX Transform calls `preprocessing_fn`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_pipeline.modeling.batch_cache import RawBatch
from tfx_pipeline.modeling.feature_table import load_table
from tfx_pipeline.modeling.statistics_request import summarize


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Transforms every configured feature, and the label.

    Args:
      inputs: raw columns, dense, sparse or ragged as the schema says.
      custom_config: `features` and `label` of the config, and the schema's text as `schema`.

    Returns:
      Tensors of shape [batch, 1]: float32 numbers and int64 ids.
    """
    table = load_table(custom_config, custom_config["schema"])
    batch = RawBatch(inputs)
    requests = {}
    for feature in table.features:
        requests.update(feature.wants(batch))
    known = summarize(requests)
    outputs = table.label.preprocess(batch)
    for feature in table.features:
        outputs.update(feature.preprocess(batch, known))
    return outputs
