"""SchemaGen: TFX's component with an executor that looks at all splits for a column's type."""

from __future__ import annotations

from tfx.components.schema_gen import component
from tfx.dsl.components.base import executor_spec

from tfx_pipeline.components.schema_gen.executor import Executor


class SchemaGen(component.SchemaGen):
    """TFX's SchemaGen, with its arguments.

    The schema is that of TFX, except for a column that has no value in one split and has
    values in another: TFX marks it as deprecated, and here it has its type.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
