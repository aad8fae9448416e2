"""How an executor refuses, or completes with a message, through its ExecutorOutput.

When an executor raises, TFX's launcher publishes FAILED without a message. When it
returns a result with a non-zero code, the execution is FAILED as well, but ML Metadata
keeps the code and the message. So a refusal can be distinguished from a failure.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tfx.proto.orchestration import execution_result_pb2

from tfx_pipeline import errors
from tfx_pipeline.metadata.node_record import REFUSED_CODE, message_to_json

__all__ = [
    "REFUSED_CODE",
    "causes",
    "completed_output",
    "refusal_behind",
    "refused_output",
    "reports_refusals",
]


def reports_refusals(do: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates an executor's `Do`: a `Refused` becomes a result with REFUSED_CODE."""

    @functools.wraps(do)
    def reporting(*args: Any, **kwargs: Any) -> Any:
        try:
            return do(*args, **kwargs)
        except Exception as error:
            refusal = refusal_behind(error)
            if refusal is None:
                raise
            return refused_output(refusal)

    return reporting


def refusal_behind(error: BaseException | None) -> errors.Refused | None:
    """The refusal that `error` is or wraps; None when it has another reason.

    Beam raises a copy with another message and without findings, from the
    original. So the innermost one counts.
    """
    refusals = [link for link in causes(error) if isinstance(link, errors.Refused)]
    return refusals[-1] if refusals else None


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
    message: str, findings: Iterable[errors.Finding] = ()
) -> execution_result_pb2.ExecutorOutput:
    """The output of an executor that completed, with a message for people; it may be empty."""
    result = execution_result_pb2.ExecutionResult()
    if message:
        result.result_message = message_to_json(message, findings)
    return execution_result_pb2.ExecutorOutput(execution_result=result)
