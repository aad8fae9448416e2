"""TFX pipelines from one configuration, for any orchestrator.

    from tfx_pipeline import load_config, open_runs

    config = load_config("pipeline.yaml", ["training.steps=200"])
    print(open_runs(config).latest().metrics)

Names are imported on first use; importing this package imports neither TensorFlow
nor TFX. `from tfx_pipeline import tfx` is `from tfx import v1 as tfx`, without TensorFlow
until something uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfx_pipeline.compat.tfx_import import tfx
    from tfx_pipeline.compiler.compiler import compile_pipeline
    from tfx_pipeline.compiler.standard_pipeline import create_pipeline
    from tfx_pipeline.config.loader import load_config
    from tfx_pipeline.config.models import Config, PipelineConfig
    from tfx_pipeline.config.preflight import check
    from tfx_pipeline.errors import (
        ConfigError,
        DataRefused,
        Finding,
        Interrupted,
        MissingExtra,
        NodeError,
        PipelineError,
        Problem,
        Refused,
        ServingError,
    )
    from tfx_pipeline.metadata.run_history import Runs, open_runs
    from tfx_pipeline.metadata.run_record import NodeRun, Run
    from tfx_pipeline.orchestrators.base_runner import Runner
    from tfx_pipeline.orchestrators.local.runner import LocalRunner
else:
    from tfx_pipeline._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Config": "tfx_pipeline.config.models",
            "ConfigError": "tfx_pipeline.errors",
            "DataRefused": "tfx_pipeline.errors",
            "Finding": "tfx_pipeline.errors",
            "Interrupted": "tfx_pipeline.errors",
            "LocalRunner": "tfx_pipeline.orchestrators.local.runner",
            "MissingExtra": "tfx_pipeline.errors",
            "NodeError": "tfx_pipeline.errors",
            "NodeRun": "tfx_pipeline.metadata.run_record",
            "PipelineConfig": "tfx_pipeline.config.models",
            "PipelineError": "tfx_pipeline.errors",
            "Problem": "tfx_pipeline.errors",
            "Refused": "tfx_pipeline.errors",
            "Run": "tfx_pipeline.metadata.run_record",
            "Runner": "tfx_pipeline.orchestrators.base_runner",
            "Runs": "tfx_pipeline.metadata.run_history",
            "ServingError": "tfx_pipeline.errors",
            "check": "tfx_pipeline.config.preflight",
            "compile_pipeline": "tfx_pipeline.compiler.compiler",
            "create_pipeline": "tfx_pipeline.compiler.standard_pipeline",
            "load_config": "tfx_pipeline.config.loader",
            "open_runs": "tfx_pipeline.metadata.run_history",
            "tfx": "tfx_pipeline.compat.tfx_import",
        },
    )

__version__ = "0.1.0"

__all__ = [
    "Config",
    "ConfigError",
    "DataRefused",
    "Finding",
    "Interrupted",
    "LocalRunner",
    "MissingExtra",
    "NodeError",
    "NodeRun",
    "PipelineConfig",
    "PipelineError",
    "Problem",
    "Refused",
    "Run",
    "Runner",
    "Runs",
    "ServingError",
    "__version__",
    "check",
    "compile_pipeline",
    "create_pipeline",
    "load_config",
    "open_runs",
    "tfx",
]
