"""What became of one node, as a file: for orchestrators that want more than an exit code."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from tfx_pipeline import errors, records
from tfx_pipeline.files import write_atomically
from tfx_pipeline.node import Request


def write(request: Request, record: records.NodeRecord, reason: str | None) -> None:
    """Writes the node's state, outputs and findings; `reason` says why it was not cached."""
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
    """Writes why the node could not even begin."""
    _write(request, state=records.FAILED, exit_code=error.exit_code, outputs={}, error=str(error))


def _write(request: Request, **values: Any) -> None:
    document = {"node": request.node, "run_id": request.run_id, **values}
    write_atomically(pathlib.Path(request.result), json.dumps(document, indent=1) + "\n")
