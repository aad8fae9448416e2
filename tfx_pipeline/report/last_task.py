"""Writes the report of a run as an orchestrator's last task: `python -m tfx_pipeline.report`.

It needs what the node command needs, the compiled pipeline and the run's id, and no
configuration. It runs after failed nodes too, and changes nothing in ML Metadata.
"""

from __future__ import annotations

import json
import pathlib
import tempfile
from typing import Any

import click

from tfx_pipeline import errors
from tfx_pipeline.storage import files, object_store
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import Layout, is_remote


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--pipeline",
    required=True,
    metavar="FILE|URI",
    help="The compiled pipeline.pb: a path, an s3:// or gs:// URI, or inline as a data: URI.",
)
@click.option("--run-id", required=True, metavar="ID", help="The run's id.")
@click.option(
    "--keep-pipeline",
    is_flag=True,
    help="Report on the pipeline this run started with, even if FILE has changed since.",
)
@click.option("--copy", metavar="FILE", help="Also write the report to FILE.")
@click.option("--result", metavar="FILE", help="Write the report's URI to FILE, as JSON.")
@click.option(
    "--optional", is_flag=True, help="Exit with 0 and a message if the report cannot be written."
)
def command(
    pipeline: str,
    run_id: str,
    keep_pipeline: bool,
    copy: str | None,
    result: str | None,
    optional: bool,
) -> int:
    """Write the report of a run that has ended, well or not.

    The report is written to runs/<run id>/report.html in the folder of the pipeline's
    artifacts.
    """
    try:
        uri = write(pipeline, run_id, keep_pipeline=keep_pipeline, copy=copy)
    except Exception as error:
        code = error.exit_code if isinstance(error, errors.PipelineError) else errors.EXIT_FAILED
        _write_result(result, state="failed", exit_code=code, outputs={}, error=str(error))
        if not optional:
            raise
        click.echo(f"no report was written: {type(error).__name__}: {error}", err=True)
        return errors.EXIT_OK
    _write_result(result, state="complete", exit_code=0, outputs={"report": [uri]}, error=None)
    click.echo(f"Report: {uri}", err=True)
    return errors.EXIT_OK


def write(
    pipeline: str, run_id: str, *, keep_pipeline: bool = False, copy: str | None = None
) -> str:
    """Writes the report of a run; returns its path or URI.

    Args:
      pipeline: the compiled pipeline: path or URI of pipeline.pb, or a `data:` URI.
      run_id: the run's id; none of its nodes needs to have started.
      keep_pipeline: whether the run continues with the pipeline it started with.
      copy: another file to write it to.

    Raises:
      ConfigError: the pipeline or ML Metadata cannot be read, or the id is no folder's name.
      OSError: the report cannot be written.
    """
    from tfx_pipeline.ir import manifest_nodes, pipeline_ir
    from tfx_pipeline.metadata import database, pinned_pipeline
    from tfx_pipeline.metadata.history import History
    from tfx_pipeline.metadata.run_history import Runs
    from tfx_pipeline.report import build, readable_store

    if "/" in run_id or run_id in ("", ".", ".."):
        message = f"must be a name without '/', found {run_id!r}"
        raise errors.ConfigError(errors.Problem("--run-id", message))
    with tempfile.TemporaryDirectory(prefix="tfx-pipeline-") as scratch:
        local = object_store.fetch(pipeline, f"{scratch}/ir") if is_remote(pipeline) else pipeline
        ir = pipeline_ir.read(local)
    name = ir.pipeline_info.id
    layout = Layout.of_pipeline_root(pipeline_ir.pipeline_root(ir), name)
    connection = pipeline_ir.metadata_connection(ir)
    with readable_store.errors_explained(database.place(connection)):
        if connection.HasField("sqlite"):
            readable_store.ensure(pathlib.Path(connection.sqlite.filename_uri))
        history = History(database.open_store(connection), name)
        if keep_pipeline:
            ir = pinned_pipeline.stored(history, run_id) or ir
        plan = manifest_nodes.of_pipeline(ir)
        report = build.of_ended_run(Runs(layout, history), layout, run_id, plan)
    uri = files.absolute(layout.report(run_id))
    for path in filter(None, (uri, copy)):
        files.write(path, report.html)
    return uri


def _write_result(file: str | None, **values: Any) -> None:
    if file is not None:
        write_atomically(pathlib.Path(file), json.dumps(values, indent=1) + "\n")
