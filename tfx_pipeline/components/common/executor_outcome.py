"""How an executor refuses, fails or completes with a message, through its ExecutorOutput.

When an executor raises, TFX's launcher publishes FAILED without a message. When it
returns a result with a non-zero code, the execution is FAILED as well, but ML Metadata
keeps the code and the message. So a refusal can be distinguished from a failure.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tfx.orchestration.portable import outputs_utils
from tfx.proto.orchestration import execution_result_pb2

from tfx_pipeline import errors
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.metadata.node_record import CONFIG_CODE, REFUSED_CODE, message_to_json

__all__ = [
    "REFUSED_CODE",
    "causes",
    "completed_output",
    "refusal_behind",
    "refused_output",
    "reports_refusals",
]


_log = logging.getLogger(__name__)


def reports_refusals(do: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates an executor's `Do`.

    A `Refused` becomes a result with REFUSED_CODE. A `ConfigError` with several problems
    becomes one with CONFIG_CODE, so that all of them are shown and not only their number.
    """

    @functools.wraps(do)
    def reporting(*args: Any, **kwargs: Any) -> Any:
        try:
            return do(*args, **kwargs)
        except Exception as error:
            refusal = refusal_behind(error)
            if refusal is not None:
                return refused_output(refusal)
            wrong = _wrong_configuration_behind(error)
            if wrong is None:
                raise
            _log.exception("%s", wrong)
            return _wrong_configuration_output(wrong)

    return reporting


def refusal_behind(error: BaseException | None) -> errors.Refused | None:
    """The refusal that `error` is or wraps; None when it has another reason.

    Beam raises a copy with another message and without findings, from the
    original. So the innermost one counts.
    """
    refusals = [link for link in causes(error) if isinstance(link, errors.Refused)]
    return refusals[-1] if refusals else None


def _wrong_configuration_behind(error: BaseException) -> errors.ConfigError | None:
    """The error with several problems that `error` is or wraps; None if there is none."""
    found = [link for link in causes(error) if isinstance(link, errors.ConfigError)]
    return next((link for link in reversed(found) if len(link.problems) > 1), None)


def _wrong_configuration_output(
    error: errors.ConfigError,
) -> execution_result_pb2.ExecutorOutput:
    message = f"the configuration has {len(error.problems)} problems"
    findings = [
        errors.Finding(
            problem.where,
            "configuration",
            ". ".join(filter(None, [problem.message, problem.remedy])),
        )
        for problem in error.problems
    ]
    return execution_result_pb2.ExecutorOutput(
        execution_result=execution_result_pb2.ExecutionResult(
            code=CONFIG_CODE, result_message=message_to_json(message, findings)
        )
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = [arg for arg in error.args if isinstance(arg, BaseException)]
        error = error.__cause__ or error.__context__ or next(iter(inner), None)


def refused_output(refusal: errors.Refused) -> execution_result_pb2.ExecutorOutput:
    """The output of an executor that refused, with the reasons."""
    return execution_result_pb2.ExecutorOutput(
        execution_result=execution_result_pb2.ExecutionResult(
            code=REFUSED_CODE, result_message=message_to_json(str(refusal), refusal.findings)
        )
    )


def completed_output(
    output_dict: Artifacts, message: str, findings: Iterable[errors.Finding] = ()
) -> execution_result_pb2.ExecutorOutput:
    """The output of an executor that completed, with a message for people.

    Args:
      output_dict: the executor's outputs. TFX's launcher publishes their properties from here.
      message: it may be empty.
      findings: the rows below the message.
    """
    result = execution_result_pb2.ExecutionResult()
    if message:
        result.result_message = message_to_json(message, findings)
    output = execution_result_pb2.ExecutorOutput(execution_result=result)
    outputs_utils.populate_output_artifact(output, output_dict)
    return output
