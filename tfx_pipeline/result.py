"""What became of one node, as a file: for orchestrators that want more than an exit code."""

from __future__ import annotations

import dataclasses
import json
import pathlib

from tfx_pipeline import metadata
from tfx_pipeline.files import write_atomically


def write(path: str, run_id: str, record: metadata.NodeRecord, reason: str | None) -> None:
    """Writes the node's state, outputs and refusal; `reason` says why it was not cached."""
    pushed = [o for o in record.outputs if o.properties.get("pushed") == 1]
    document = {
        "node": record.node,
        "run_id": run_id,
        "execution_id": record.execution_id,
        "state": record.state,
        "exit_code": record.exit_code,
        "outputs": record.uris(),
        "pushed_model": pushed[0].properties["pushed_destination"] if pushed else None,
        "error": record.error,
        "findings": [dataclasses.asdict(finding) for finding in record.findings],
        "reason": reason,
    }
    write_atomically(pathlib.Path(path), json.dumps(document, indent=1) + "\n")
