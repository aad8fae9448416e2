"""Executes all nodes of a compiled pipeline in one process, and takes the time of each.

`python -m benchmarks.metadata_nodes PIPELINE RUN_ID...` prints JSON: for each run, each node's
milliseconds in all, and those in TFX's launcher. Imports are not measured: one run comes first
that is not counted.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from unittest import mock

from tfx_pipeline.compat import tensorflow_environment

tensorflow_environment.prepare_environment()

from tfx.orchestration.portable import launcher as tfx_launcher  # noqa: E402

from tfx_pipeline.execution import launcher  # noqa: E402
from tfx_pipeline.execution.request import Request  # noqa: E402
from tfx_pipeline.ir import pipeline_ir  # noqa: E402


def main(pipeline: str, *run_ids: str) -> None:
    """Prints what each run's nodes took, in order; the first run is not counted."""
    names = pipeline_ir.node_ids(pipeline_ir.read(pipeline))
    runs = [{name: _node(pipeline, name, run_id) for name in names} for run_id in run_ids]
    print(json.dumps({"runs": runs[1:]}))


def _node(pipeline: str, name: str, run_id: str) -> dict[str, Any]:
    inside: list[float] = []
    launch = tfx_launcher.Launcher.launch

    def timed(self: Any) -> Any:
        began = time.monotonic()
        try:
            return launch(self)
        finally:
            inside.append(time.monotonic() - began)

    executed: list[bool] = []
    began = time.monotonic()
    with mock.patch.object(tfx_launcher.Launcher, "launch", timed):
        code = launcher.launch(Request(pipeline, name, run_id), lambda: executed.append(True))
    taken = time.monotonic() - began
    if code:
        raise SystemExit(f"{name}: exit code {code}")
    return {"ms": 1000 * taken, "tfx_ms": 1000 * sum(inside), "executed": bool(executed)}


if __name__ == "__main__":
    main(*sys.argv[1:])
