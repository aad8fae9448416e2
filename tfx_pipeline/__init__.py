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
    "Config": "tfx_pipeline.config.models",
    "load_config": "tfx_pipeline.config.loader",
    "check": "tfx_pipeline.config.preflight",
    "create_pipeline": "tfx_pipeline.compiler.standard_pipeline",
    "compile_pipeline": "tfx_pipeline.compiler.compiler",
    "Run": "tfx_pipeline.metadata.run_history",
    "Runs": "tfx_pipeline.metadata.run_history",
    "open_runs": "tfx_pipeline.metadata.run_history",
    "Runner": "tfx_pipeline.orchestrators.base_runner",
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
