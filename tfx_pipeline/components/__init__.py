"""The components of the standard pipeline: TFX's own, and ours beside their executors.

Looked up on first use, so that a node imports only what it runs.
"""

from __future__ import annotations

import importlib
from typing import Any

from tfx_pipeline.compat.tensorflow_environment import prepare_environment

_HOME = {
    "ExampleGen": "tfx_pipeline.components.example_gen.component",
    "StatisticsGen": "tfx_pipeline.components.statistics_gen.component",
    "SchemaGen": "tfx.components.schema_gen.component",
    "ImportSchemaGen": "tfx.components.schema_gen.import_schema_gen.component",
    "ExampleValidator": "tfx.components.example_validator.component",
    "DataGate": "tfx_pipeline.components.data_gate.component",
    "Transform": "tfx_pipeline.components.transform.component",
    "Trainer": "tfx_pipeline.components.trainer.component",
    "ExportCheck": "tfx_pipeline.components.export_check.component",
    "BaselineResolver": "tfx_pipeline.components.baseline_resolver.component",
    "Evaluator": "tfx_pipeline.components.evaluator.component",
    "Pusher": "tfx_pipeline.components.pusher.component",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    prepare_environment()
    return getattr(importlib.import_module(_HOME[name]), name)
