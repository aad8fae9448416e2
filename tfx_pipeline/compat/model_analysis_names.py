"""Names that TensorFlow Model Analysis 0.52 lost, and that TFX 1.21 still reads from it.

`tfx.components` sets them when it is imported. Where it has a stand-in, nobody else does.
"""

from __future__ import annotations

import importlib
import types

NAMES = (
    "EvalConfig",
    "GenericChangeThreshold",
    "GenericValueThreshold",
    "MetricConfig",
    "MetricDirection",
    "MetricThreshold",
    "MetricsSpec",
    "ModelSpec",
    "SlicingSpec",
)


def complete(module: types.ModuleType) -> None:
    """Sets the missing names on `tensorflow_model_analysis`; leaves other modules alone."""
    if module.__name__ != "tensorflow_model_analysis":
        return
    protos = importlib.import_module("tensorflow_model_analysis.proto.config_pb2")
    for name in NAMES:
        if not hasattr(module, name):
            setattr(module, name, getattr(protos, name))
