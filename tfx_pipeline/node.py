"""Executes one node of a compiled pipeline: `python -m tfx_pipeline.node`.

Every orchestrator runs this command. This module is the light half: the command
line, the supervising parent and the exit code. `launch` is the heavy half, which
imports TFX; it is imported in the child.

Exit codes: 0 the node is COMPLETE or CACHED and no gate refused; 1 it failed;
2 wrong usage; 3 a gate refused; 130 and 143 it was interrupted.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import sys
import tempfile

import click

from tfx_pipeline import errors, ondemand, supervise, terminal
from tfx_pipeline.layout import CompiledLayout, is_remote

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # before anything imports TensorFlow
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")


@dataclasses.dataclass(frozen=True)
class Request:
    """What to execute.

    Attributes:
      pipeline: the compiled pipeline: path or URI of pipeline.pb, or the pipeline
        itself as a `data:` URI.
      node: the node's id.
      run_id: the run it belongs to; a retry has the same.
      parameters: runtime parameters as text, by name.
      cache: whether a result of an earlier run may stand in.
      keep_pipeline: whether the run goes on with the pipeline it began with.
      result: a file for what became of the node, as JSON.
    """

    pipeline: str
    node: str
    run_id: str
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    cache: bool = True
    keep_pipeline: bool = False
    result: str | None = None


def execute(request: Request) -> int:
    """Executes the node in a supervised child process and returns its exit code."""
    # Libraries clean their temporary files when Python exits, which the child does not.
    with tempfile.TemporaryDirectory(prefix="tfx-pipeline-") as scratch:
        local = _local(request, scratch)
        try:
            return supervise.run_supervised(lambda: _launch(request, local, scratch))
        except errors.Interrupted as interrupt:
            _cancel(local)
            print(f"{request.node}: {interrupt}", file=sys.stderr)
            return interrupt.exit_code


def _local(request: Request, scratch: str) -> Request:
    """The request with the pipeline on this machine, where the child will put it."""
    if not is_remote(request.pipeline):
        return request
    return dataclasses.replace(request, pipeline=str(CompiledLayout(pathlib.Path(scratch)).ir))


def _launch(request: Request, local: Request, scratch: str) -> int:
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    try:
        with ondemand.importing(*ondemand.FOR_EXECUTORS):
            from tfx_pipeline import launch, remote

        if local.pipeline != request.pipeline:
            remote.fetch(request.pipeline, local.pipeline)
        return launch.launch(local)
    except errors.PipelineError as error:
        print(f"{request.node}: {error}", file=sys.stderr)
        if request.result is not None:
            from tfx_pipeline import result

            result.write_error(request, error)
        return error.exit_code


def _cancel(request: Request) -> None:
    from tfx_pipeline import ir, metadata

    try:
        pipeline = ir.read(request.pipeline)
        store = metadata.open_store(ir.metadata_connection(pipeline))
        metadata.History(store, pipeline.pipeline_info.id).cancel(request.node, request.run_id)
    except errors.PipelineError as error:
        print(f"{request.node}: could not be marked as canceled: {error}", file=sys.stderr)


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, str]:
    """Splits `KEY=VALUE` texts.

    Raises:
      ConfigError: a text without `=`, or a key given twice.
    """
    result: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise errors.ConfigError(
                errors.Problem("--param", f"must be KEY=VALUE, found {pair!r}")
            )
        if key in result:
            raise errors.ConfigError(errors.Problem("--param", f"{key!r} is given twice"))
        result[key] = value
    return result


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--pipeline",
    required=True,
    metavar="FILE|URI",
    help="The compiled pipeline.pb, also as s3:// or gs://, or inline as data: URI.",
)
@click.option("--node", required=True, metavar="NAME", help="Which node, for example Trainer.")
@click.option("--run-id", required=True, metavar="ID", help="The run; a retry keeps its id.")
@click.option("--param", multiple=True, metavar="KEY=VALUE", help="A runtime parameter.")
@click.option("--no-cache", is_flag=True, help="Execute even where nothing changed.")
@click.option(
    "--keep-pipeline",
    is_flag=True,
    help="Go on with the pipeline this run began with, whatever FILE holds by now.",
)
@click.option("--result", metavar="FILE", help="Write what became of the node, as JSON.")
@click.option("--die-with-parent", is_flag=True, help="End when the calling process is gone.")
def command(
    pipeline: str,
    node: str,
    run_id: str,
    param: tuple[str, ...],
    no_cache: bool,
    keep_pipeline: bool,
    result: str | None,
    die_with_parent: bool,
) -> int:
    """Execute one node of a compiled pipeline.

    Its upstream nodes must have ended well in the same run. A node that has
    finished in this run is not executed again.
    """
    if die_with_parent:
        supervise.die_with_parent()
    request = Request(
        pipeline,
        node,
        run_id,
        parse_parameters(param),
        cache=not no_cache,
        keep_pipeline=keep_pipeline,
        result=result,
    )
    return execute(request)


if __name__ == "__main__":
    terminal.main(command)
