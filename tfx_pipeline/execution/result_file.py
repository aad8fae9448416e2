"""The result of one node as a JSON file, for orchestrators that need more than an exit code."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import TYPE_CHECKING, Any

from tfx_pipeline import errors
from tfx_pipeline.execution.request import Request
from tfx_pipeline.storage.atomic_write import write_atomically

if TYPE_CHECKING:
    from tfx_pipeline.metadata.node_record import NodeRecord


def write(request: Request, record: NodeRecord, reason: str | None) -> None:
    """Writes the node's state, outputs and findings to `request.result`, if there is one.

    Args:
      request: the request that was executed.
      record: how the node ended.
      reason: why it was not taken from the cache.
    """
    pushed = [o for o in record.outputs if o.properties.get("pushed") == 1]
    _write(
        request,
        state=record.state,
        exit_code=record.exit_code,
        execution_id=record.execution_id,
        outputs=record.uris(),
        pushed_model=pushed[0].properties["pushed_destination"] if pushed else None,
        error=record.error,
        findings=[dataclasses.asdict(finding) for finding in record.findings],
        reason=reason,
    )


def write_error(request: Request, error: errors.PipelineError) -> None:
    """Writes why the node could not start to `request.result`, if there is one."""
    _write(request, state="failed", exit_code=error.exit_code, outputs={}, error=str(error))


def _write(request: Request, **values: Any) -> None:
    if request.result is None:
        return
    document = {"node": request.node, "run_id": request.run_id, **values}
    write_atomically(pathlib.Path(request.result), json.dumps(document, indent=1) + "\n")
