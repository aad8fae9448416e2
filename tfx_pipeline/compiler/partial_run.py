"""Partial runs: `--from NODE` and `--to NODE`.

The nodes between them run. The artifacts they need from earlier nodes are taken from
the latest run that has them, even if those nodes' inputs have changed since.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from tfx_pipeline import errors
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.metadata import database
from tfx_pipeline.metadata.history import History
from tfx_pipeline.storage.atomic_write import write_atomically

if TYPE_CHECKING:
    from tfx.proto.orchestration import pipeline_pb2


def mark(path: pathlib.Path, run_id: str, first: str | None, last: str | None) -> None:
    """Marks the compiled pipeline at `path` for a partial run and records the reused artifacts.

    Raises:
      ConfigError: no such node, no node between them, or no earlier run that can be reused.
    """
    from tfx.orchestration.portable import partial_run_utils, runtime_parameter_utils

    from tfx_pipeline.compat import metadata_handle

    pipeline = pipeline_ir.read(path)
    for name in filter(None, (first, last)):
        pipeline_ir.find_node(pipeline, name)
    partial_run_utils.mark_pipeline(
        pipeline, from_nodes=[first] if first else None, to_nodes=[last] if last else None
    )
    if all(is_skipped(node) for node in pipeline_ir.nodes(pipeline)):
        raise errors.ConfigError(
            f"--from {first} --to {last}: nothing to run: {last} does not come after {first}"
        )
    write_atomically(path, pipeline.SerializeToString(deterministic=True))
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {pipeline_ir.RUN_ID_PARAMETER: run_id}
    )
    needed = [node.node_info.id for node in pipeline_ir.nodes(pipeline) if _is_reused(node)]
    if not needed:
        return
    connection = pipeline_ir.metadata_connection(pipeline)
    history = History(database.open_store(connection), pipeline.pipeline_info.id)
    base = _latest_run_with(history, needed, exclude=run_id)
    with metadata_handle.of_pipeline(pipeline) as handle:
        partial_run_utils.snapshot(handle, pipeline, base_run_id=base)


def is_skipped(node: pipeline_pb2.PipelineNode) -> bool:
    """Whether a marked pipeline skips the node."""
    return bool(node.execution_options.HasField("skip"))


def _is_reused(node: pipeline_pb2.PipelineNode) -> bool:
    """Whether the node's artifacts of an earlier run are needed in this one."""
    from tfx.proto.orchestration import pipeline_pb2

    required = pipeline_pb2.NodeExecutionOptions.Skip.REQUIRED
    return is_skipped(node) and node.execution_options.skip.reuse_artifacts_mode == required


def _latest_run_with(history: History, needed: list[str], exclude: str) -> str:
    for run_id in reversed(history.run_ids()):
        if run_id == exclude:
            continue
        records = history.records(run_id)
        if all(name in records and records[name].exit_code == 0 for name in needed):
            return run_id
    raise errors.ConfigError(
        f"--from: no earlier run has finished {', '.join(needed)}. Run the whole pipeline first."
    )
