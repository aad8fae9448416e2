"""Runs TFX's portable launcher for one node, with checks before and after.

TFX's launcher executes a node even if its upstream nodes have failed, ignores
parameters it does not know, caches across changed code and returns normally
when inputs are missing. So here: check, complete the cache key, launch, and
read from ML Metadata how the node has ended.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterable

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from tfx_pipeline import errors
from tfx_pipeline.compat import (
    lazy_imports,
    local_filesystem,
    long_histories,
    metadata_handle,
    patch,
    resolver_nodes,
    s3_access,
    table,
)
from tfx_pipeline.execution import blessing, cache_key, condition, local_copies, result_file
from tfx_pipeline.execution.operators import UNKNOWN, make_operators
from tfx_pipeline.execution.request import Request
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.metadata import database, node_record, pinned_pipeline
from tfx_pipeline.metadata.history import History
from tfx_pipeline.user_code import code_digest

_FOUND_NOTHING = "it found no artifacts"
_LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def launch(request: Request, before_execution: Callable[[], None] | None = None) -> int:
    """Executes a node and returns its exit code; progress goes to standard error.

    Args:
      request: the node.
      before_execution: called when the node is not in the cache.

    Raises:
      ConfigError: no such pipeline, node or parameter.
      NodeError: an upstream node did not end well in this run.
    """
    logging.basicConfig(format=_LOG_FORMAT, force=True)  # TensorFlow has put its handler there
    logging.getLogger("tfx_pipeline").setLevel(logging.INFO)
    local_filesystem.register()
    pipeline = pipeline_ir.read(request.pipeline)
    s3_access.prepare([str(pipeline), *request.parameters.values()])
    connection = pipeline_ir.metadata_connection(pipeline)
    history = History(database.open_store(connection), pipeline.pipeline_info.id)
    if request.keep_pipeline:
        offered, pipeline = (
            pipeline,
            pinned_pipeline.pipeline_of_run(history, request.run_id, pipeline),
        )
        if pinned_pipeline.is_added_since(request.node, pipeline, offered):
            print(f"{request.node}: nothing to do: no part of this run's pipeline", file=sys.stderr)
            return errors.EXIT_OK
    node = pipeline_ir.find_node(pipeline, request.node)
    parameters = pipeline_ir.cast_parameters(pipeline, request.parameters)
    done = history.record(request.node, request.run_id)
    if done is None or not done.ended_well:
        upstream = _ensure_upstream_ended_well(history, node, request.run_id)
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {pipeline_ir.RUN_ID_PARAMETER: request.run_id, **parameters}
        )
        skipped = condition.skipped_producer(node, upstream)
        if skipped is None:
            _launch(pipeline, node, request, history, before_execution)
        else:
            reason = f"its upstream node {skipped} was skipped"
            condition.record_skip(node, reason, metadata_handle.of_pipeline(pipeline))
        done = history.record(request.node, request.run_id)
    return _report(request, history, done)


def _log_own_code(paths: Iterable[str]) -> None:
    """Shows what the node's own code logs. Of others only warnings: TFX logs each artifact."""
    for path in filter(code_digest.is_own, paths):
        logging.getLogger(path.partition(".")[0]).setLevel(logging.INFO)


def _ensure_upstream_ended_well(
    history: History, node: pipeline_pb2.PipelineNode, run_id: str
) -> dict[str, node_record.NodeRecord]:
    """How the upstream nodes ended in this run."""
    ended = {}
    for upstream in node.upstream_nodes:
        record = history.record(upstream, run_id)
        if record is None or record.exit_code != errors.EXIT_OK:
            found = "has not run" if record is None else f"is {record.state}"
            if record is not None and record.error:
                found += f" ({record.error})"
            raise errors.NodeError(
                f"cannot run: its upstream node {upstream} {found} in run {run_id}. "
                f"Run {upstream} first."
            )
        ended[upstream] = record
    return ended


def _launch(
    pipeline: pipeline_pb2.Pipeline,
    node: pipeline_pb2.PipelineNode,
    request: Request,
    history: History,
    before_execution: Callable[[], None] | None,
) -> None:
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    paths = cache_key.code_paths(node, deployment)
    _log_own_code(paths)
    cache_key.complete_key(node, deployment, paths)
    cache_key.forget_vanished_pushes(history, node)
    if not request.cache:
        node.execution_options.caching_options.enable_cache = False
    executor_spec = runner_utils.extract_executor_spec(deployment, request.node)
    local_copies.ensure_possible(executor_spec, pipeline_ir.pipeline_root(pipeline))
    driver_spec = runner_utils.extract_custom_driver_spec(deployment, request.node)
    importing: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if driver_spec is not None:
        path = pipeline_ir.class_path(driver_spec)
        importing = lazy_imports.importing_class(path, lazy_imports.importing_launcher)
    with importing:
        tfx_launcher = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=metadata_handle.of_pipeline(pipeline),
            pipeline_info=pipeline.pipeline_info,
            pipeline_runtime_spec=pipeline.runtime_spec,
            executor_spec=executor_spec,
            custom_driver_spec=driver_spec,
            custom_executor_operators=make_operators(before_execution),
        )
    history.reopen(request.node, request.run_id)
    try:
        with long_histories.knowing(history.memberships), patch.applied(table.LONG_HISTORIES):
            tfx_launcher.launch()
    except Exception:
        # The executor's own errors are in ML Metadata by now; those of the
        # driver or of ML Metadata itself are not.
        record = history.record(request.node, request.run_id)
        if record is None or record.state != node_record.FAILED:
            states = metadata_store_pb2.Execution.RUNNING, metadata_store_pb2.Execution.FAILED
            _end(history, request, *states, UNKNOWN, traceback.format_exc())
        if record is None or not (record.refused or record.findings):
            traceback.print_exc()
        return
    record = history.record(request.node, request.run_id)
    if record is None and node.inputs.conditionals:
        condition.record_skip(node, "its condition is false", metadata_handle.of_pipeline(pipeline))
    elif record is not None and resolver_nodes.found_nothing(node, record.error or ""):
        state = metadata_store_pb2.Execution.COMPLETE
        _end(history, request, metadata_store_pb2.Execution.FAILED, state, 0, _FOUND_NOTHING)
    elif record is not None and record.refused and not record.findings:
        blessing.explain(history.store, record)


def _end(
    history: History,
    request: Request,
    old_state: metadata_store_pb2.Execution.State.ValueType,
    new_state: metadata_store_pb2.Execution.State.ValueType,
    code: int,
    message: str,
) -> None:
    """Ends the node's executions of this run that are in the old state."""
    for execution in history.executions(request.node, request.run_id):
        if execution.last_known_state == old_state:
            execution.last_known_state = new_state
            execution.custom_properties[node_record.EXECUTION_RESULT].string_value = json.dumps(
                {"code": code, "resultMessage": message}
            )
            history.store.put_executions([execution])


def _report(request: Request, history: History, record: node_record.NodeRecord | None) -> int:
    if record is None:
        raise errors.NodeError("did not run: its inputs are missing. See the log above.")
    reason = None if record.error else cache_key.why_executed(history, request.node, record)
    if request.result is not None:
        result_file.write(request, record, reason)
    if record.error:
        _print_findings(request.node, record.error, record.findings)
        return record.exit_code
    suffix = f" (not cached: {reason})" if reason else ""
    print(f"{request.node}: {record.state}{suffix}", file=sys.stderr)
    if record.note:
        _print_findings(request.node, record.note, record.findings)
    return record.exit_code


def _print_findings(node: str, message: str, findings: Iterable[errors.Finding]) -> None:
    print(f"{node}: {message}", file=sys.stderr)
    for finding in findings:
        subject = errors.shown_name(finding.subject)
        print(f"  {subject}: {finding.rule}: {finding.found}", file=sys.stderr)
