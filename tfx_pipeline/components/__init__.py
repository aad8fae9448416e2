"""All components of `tfx.v1.components`, under the same names, and this project's own.

CsvExampleGen, Evaluator, Pusher, SchemaGen, StatisticsGen, Trainer, Transform and Tuner take TFX's
arguments, and have executors of their own; docs/differences-from-tfx.md describes them.
BaselineResolver, DataGate, ExampleGen and ExportCheck are this project's. The others are
TFX's own. Names are imported on first use, so that a node imports only the component it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfx.components.bulk_inferrer.component import BulkInferrer
    from tfx.components.example_diff.component import ExampleDiff
    from tfx.components.example_gen.import_example_gen.component import ImportExampleGen
    from tfx.components.example_validator.component import ExampleValidator
    from tfx.components.infra_validator.component import InfraValidator
    from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
    from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs
    from tfx.components.tuner.component import TunerFnResult

    from tfx_pipeline.components.baseline_resolver.component import BaselineResolver
    from tfx_pipeline.components.baseline_resolver.statistics import BaselineStatistics
    from tfx_pipeline.components.data_gate.component import DataGate
    from tfx_pipeline.components.evaluator.component import Evaluator
    from tfx_pipeline.components.example_gen.component import ExampleGen
    from tfx_pipeline.components.example_gen.stock_csv import CsvExampleGen
    from tfx_pipeline.components.export_check.component import ExportCheck
    from tfx_pipeline.components.pusher.component import Pusher
    from tfx_pipeline.components.schema_gen.component import SchemaGen
    from tfx_pipeline.components.statistics_gen.component import StatisticsGen
    from tfx_pipeline.components.trainer.component import Trainer
    from tfx_pipeline.components.transform.component import Transform
    from tfx_pipeline.components.tuner.component import Tuner
else:
    from tfx_pipeline._lazy import lazy_names
    from tfx_pipeline.compat.lazy_imports import importing_components

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "BaselineResolver": "tfx_pipeline.components.baseline_resolver.component",
            "BaselineStatistics": "tfx_pipeline.components.baseline_resolver.statistics",
            "BulkInferrer": "tfx.components.bulk_inferrer.component",
            "CsvExampleGen": "tfx_pipeline.components.example_gen.stock_csv",
            "DataAccessor": "tfx.components.trainer.fn_args_utils",
            "DataGate": "tfx_pipeline.components.data_gate.component",
            "Evaluator": "tfx_pipeline.components.evaluator.component",
            "ExampleDiff": "tfx.components.example_diff.component",
            "ExampleGen": "tfx_pipeline.components.example_gen.component",
            "ExampleValidator": "tfx.components.example_validator.component",
            "ExportCheck": "tfx_pipeline.components.export_check.component",
            "FnArgs": "tfx.components.trainer.fn_args_utils",
            "ImportExampleGen": "tfx.components.example_gen.import_example_gen.component",
            "ImportSchemaGen": "tfx.components.schema_gen.import_schema_gen.component",
            "InfraValidator": "tfx.components.infra_validator.component",
            "Pusher": "tfx_pipeline.components.pusher.component",
            "SchemaGen": "tfx_pipeline.components.schema_gen.component",
            "StatisticsGen": "tfx_pipeline.components.statistics_gen.component",
            "Trainer": "tfx_pipeline.components.trainer.component",
            "Transform": "tfx_pipeline.components.transform.component",
            "Tuner": "tfx_pipeline.components.tuner.component",
            "TunerFnResult": "tfx.components.tuner.component",
        },
        importing=importing_components,
    )

__all__ = [
    "BaselineResolver",
    "BaselineStatistics",
    "BulkInferrer",
    "CsvExampleGen",
    "DataAccessor",
    "DataGate",
    "Evaluator",
    "ExampleDiff",
    "ExampleGen",
    "ExampleValidator",
    "ExportCheck",
    "FnArgs",
    "ImportExampleGen",
    "ImportSchemaGen",
    "InfraValidator",
    "Pusher",
    "SchemaGen",
    "StatisticsGen",
    "Trainer",
    "Transform",
    "Tuner",
    "TunerFnResult",
]
