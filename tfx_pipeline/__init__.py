"""A pure TFX pipeline library with pluggable orchestrators.

    from tfx_pipeline import load_config, open_runs

    config = load_config("pipeline.yaml", ["training.steps=200"])
    print(open_runs(config).latest().metrics)

Names are looked up on first use; importing this package imports neither
TensorFlow nor TFX.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Config": "tfx_pipeline.config",
    "load_config": "tfx_pipeline.configfile",
    "check": "tfx_pipeline.checks",
    "create_pipeline": "tfx_pipeline.pipeline",
    "compile_pipeline": "tfx_pipeline.compile",
    "Run": "tfx_pipeline.runs",
    "Runs": "tfx_pipeline.runs",
    "open_runs": "tfx_pipeline.runs",
    "Runner": "tfx_pipeline.runner",
    "PipelineError": "tfx_pipeline.errors",
    "ConfigError": "tfx_pipeline.errors",
    "MissingExtra": "tfx_pipeline.errors",
    "NodeError": "tfx_pipeline.errors",
    "Refused": "tfx_pipeline.errors",
    "DataRefused": "tfx_pipeline.errors",
    "Finding": "tfx_pipeline.errors",
    "Problem": "tfx_pipeline.errors",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
