"""How an executor says no: a result with a code of its own instead of an exception.

TFX's launcher publishes FAILED without a message when an executor raises. An
executor that returns a result with a non-zero code is FAILED as well, and ML
Metadata keeps code and message, so that a refusal can be told from a failure.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tfx.proto.orchestration import execution_result_pb2

from tfx_pipeline import errors
from tfx_pipeline.metadata.node_record import REFUSED_CODE, message_to_json

__all__ = ["REFUSED_CODE", "noted_output", "refusable", "refusal_behind", "refused_output"]


def refusable(do: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates an executor's `Do`: a `Refused` becomes a result with REFUSED_CODE."""

    @functools.wraps(do)
    def refusing(*args: Any, **kwargs: Any) -> Any:
        try:
            return do(*args, **kwargs)
        except Exception as error:
            refusal = refusal_behind(error)
            if refusal is None:
                raise
            return refused_output(refusal)

    return refusing


def refusal_behind(error: BaseException | None) -> errors.Refused | None:
    """The refusal that `error` is or wraps; None when it has another reason.

    Beam raises a copy with another message and without findings, from the
    original. So the innermost one counts.
    """
    refusals = [link for link in _chain(error) if isinstance(link, errors.Refused)]
    return refusals[-1] if refusals else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = [arg for arg in error.args if isinstance(arg, BaseException)]
        error = error.__cause__ or error.__context__ or next(iter(inner), None)


def refused_output(refusal: errors.Refused) -> execution_result_pb2.ExecutorOutput:
    """The executor's output that says: refused, and why."""
    return execution_result_pb2.ExecutorOutput(
        execution_result=execution_result_pb2.ExecutionResult(
            code=REFUSED_CODE, result_message=message_to_json(str(refusal), refusal.findings)
        )
    )


def noted_output(
    message: str, findings: Iterable[errors.Finding] = ()
) -> execution_result_pb2.ExecutorOutput:
    """The output of an executor that completed and has something to say; `message` may be empty."""
    result = execution_result_pb2.ExecutionResult()
    if message:
        result.result_message = message_to_json(message, findings)
    return execution_result_pb2.ExecutorOutput(execution_result=result)
