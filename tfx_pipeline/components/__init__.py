"""The components of the standard pipeline: TFX's own, and ours beside their executors.

Looked up on first use, so that a node imports only what it runs.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

# Keras 2, whatever is imported first: TensorFlow Transform supports no other,
# and a Keras 3 export cannot be served.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

_HOME = {
    "ExampleGen": "tfx_pipeline.components.example_gen",
    "StatisticsGen": "tfx_pipeline.components.statistics_gen",
    "SchemaGen": "tfx.components.schema_gen.component",
    "ImportSchemaGen": "tfx.components.schema_gen.import_schema_gen.component",
    "ExampleValidator": "tfx.components.example_validator.component",
    "DataGate": "tfx_pipeline.components.data_gate",
    "Transform": "tfx_pipeline.components.transform",
    "Trainer": "tfx_pipeline.components.trainer",
    "ExportCheck": "tfx_pipeline.components.export_check",
    "BaselineResolver": "tfx_pipeline.components.baseline",
    "Evaluator": "tfx_pipeline.components.evaluator",
    "Pusher": "tfx_pipeline.components.pusher",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
