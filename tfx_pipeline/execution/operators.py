"""TFX's executor operators, with results that ML Metadata keeps when an executor raises.

Stock TFX publishes FAILED without a message then. Its operators also import the executor
when they are made, which a node from the cache does not need.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

from tfx.orchestration.portable import (
    base_executor_operator,
    beam_executor_operator,
    data_types,
    python_executor_operator,
)
from tfx.proto.orchestration import executable_spec_pb2, execution_result_pb2

from tfx_pipeline.compat import lazy_imports
from tfx_pipeline.components.common import executor_outcome
from tfx_pipeline.execution import local_copies
from tfx_pipeline.ir import pipeline_ir

UNKNOWN = 2
"""The code of a result without a better one; gRPC's UNKNOWN."""


def make_operators(before_execution: Callable[[], None] | None = None) -> dict[Any, Any]:
    """Operators by the type of the executor spec, for TFX's launcher.

    Args:
      before_execution: called when a node is not in the cache.
    """
    return {
        kind: functools.partial(operator, before_execution=before_execution)
        for operator in (_PythonOperator, _BeamOperator)
        for kind in operator.SUPPORTED_EXECUTOR_SPEC_TYPE
    }


class _Operator(base_executor_operator.BaseExecutorOperator):
    SUPPORTED_PLATFORM_CONFIG_TYPE: Any = []
    TFX_OPERATOR: Any

    def __init__(
        self,
        executor_spec: Any,
        platform_config: Any = None,
        *,
        before_execution: Callable[[], None] | None = None,
    ):
        super().__init__(executor_spec, platform_config)
        self._before_execution = before_execution

    def run_executor(
        self, execution_info: data_types.ExecutionInfo
    ) -> execution_result_pb2.ExecutorOutput:
        """Executes; an exception becomes a result with its message."""
        path = pipeline_ir.class_path(self._executor_spec)
        if self._before_execution is not None and lazy_imports.executor_needs_all(path):
            self._before_execution()
        try:
            return local_copies.run(self._tfx_operator(path).run_executor, execution_info)
        except Exception as error:
            return _failed_output(error)

    def _tfx_operator(self, path: str) -> Any:
        """TFX's own operator for the same executor, which it imports."""
        with lazy_imports.importing_class(path, lazy_imports.importing):
            made = self.TFX_OPERATOR(self._executor_spec)
        return made.with_execution_watcher(self._execution_watcher_address)


class _PythonOperator(_Operator):
    SUPPORTED_EXECUTOR_SPEC_TYPE: Any = [executable_spec_pb2.PythonClassExecutableSpec]
    TFX_OPERATOR = python_executor_operator.PythonExecutorOperator


class _BeamOperator(_Operator):
    SUPPORTED_EXECUTOR_SPEC_TYPE: Any = [executable_spec_pb2.BeamExecutableSpec]
    TFX_OPERATOR = beam_executor_operator.BeamExecutorOperator


def _failed_output(error: Exception) -> execution_result_pb2.ExecutorOutput:
    refusal = executor_outcome.refusal_behind(error)
    if refusal is not None:
        return executor_outcome.refused_output(refusal)
    traceback.print_exc()
    message = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return execution_result_pb2.ExecutorOutput(
        execution_result=execution_result_pb2.ExecutionResult(code=UNKNOWN, result_message=message)
    )
