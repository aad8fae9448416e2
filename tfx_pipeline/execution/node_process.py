"""Executes one node in a supervised child process.

TFX is imported in the child only. The parent waits, forwards signals and, if it is
interrupted, marks the execution as canceled.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable

from tfx_pipeline import errors
from tfx_pipeline.compat import known_warnings, lazy_imports
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.execution import process_supervisor, result_file
from tfx_pipeline.execution.request import Request
from tfx_pipeline.storage import object_store
from tfx_pipeline.storage.layout import CompiledLayout, is_remote


def execute(request: Request, before_execution: Callable[[], None] | None = None) -> int:
    """Executes the node in a supervised child process and returns its exit code.

    Args:
      request: the node.
      before_execution: called, in the child, when the node is not in the cache.
    """
    prepare_environment()
    known_warnings.leave_out()
    # The child ends without Python's clean-up, so the parent removes its temporary files.
    with tempfile.TemporaryDirectory(prefix="tfx-pipeline-") as scratch:
        local = request
        if is_remote(request.pipeline):  # the child copies it to here
            path = str(CompiledLayout(pathlib.Path(scratch)).ir)
            local = dataclasses.replace(request, pipeline=path)
        try:
            return process_supervisor.run_supervised(
                lambda: _launch(request, local, scratch, before_execution)
            )
        except errors.Interrupted as interrupt:
            _cancel(local)
            print(f"{request.node}: {interrupt}", file=sys.stderr)
            return interrupt.exit_code


def _launch(
    request: Request, local: Request, scratch: str, before_execution: Callable[[], None] | None
) -> int:
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    try:
        if local.pipeline != request.pipeline:
            object_store.fetch(request.pipeline, local.pipeline)
        with lazy_imports.importing_launcher():
            from tfx_pipeline.execution import launcher

        return launcher.launch(local, before_execution)
    except errors.PipelineError as error:
        print(f"{request.node}: {error}", file=sys.stderr)
        result_file.write_error(request, error)
        return error.exit_code


def _cancel(request: Request) -> None:
    from tfx_pipeline.ir import pipeline_ir
    from tfx_pipeline.metadata import database
    from tfx_pipeline.metadata.history import History

    try:
        pipeline = pipeline_ir.read(request.pipeline)
        store = database.open_store(pipeline_ir.metadata_connection(pipeline))
        History(store, pipeline.pipeline_info.id).cancel(request.node, request.run_id)
    except errors.PipelineError as error:
        print(f"{request.node}: could not be marked as canceled: {error}", file=sys.stderr)
