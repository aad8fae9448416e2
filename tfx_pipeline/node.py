"""Executes one node of a compiled pipeline: `python -m tfx_pipeline.node`.

Every orchestrator runs this command.

Exit codes: 0 the node is COMPLETE or CACHED and no gate refused; 1 it failed;
2 wrong usage; 3 a gate refused; 130 and 143 it was interrupted.
"""

from __future__ import annotations

import os

import click

from tfx_pipeline import errors, terminal
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.execution.node_process import execute
from tfx_pipeline.execution.request import Request
from tfx_pipeline.user_code import finder


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, str]:
    """Turns `KEY=VALUE` texts into a dictionary.

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


def _find_project() -> None:
    """Makes this process and Beam's workers find the packages of the working directory."""
    folder = os.getcwd()
    finder.add_to_import_path(folder)
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = dict.fromkeys([*finder.project_folders(folder), *inherited])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--pipeline",
    required=True,
    metavar="FILE|URI",
    help="The compiled pipeline.pb: a path, an s3:// or gs:// URI, or inline as a data: URI.",
)
@click.option("--node", required=True, metavar="NAME", help="The node's id, for example Trainer.")
@click.option("--run-id", required=True, metavar="ID", help="The run's id; a retry uses the same.")
@click.option("--param", multiple=True, metavar="KEY=VALUE", help="A runtime parameter.")
@click.option("--no-cache", is_flag=True, help="Execute the node even if nothing has changed.")
@click.option(
    "--keep-pipeline",
    is_flag=True,
    help="Continue with the pipeline this run started with, even if FILE has changed since.",
)
@click.option("--result", metavar="FILE", help="Write the node's result to FILE, as JSON.")
@click.option("--die-with-parent", is_flag=True, help="Stop when the calling process ends.")
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

    Its upstream nodes must have succeeded in the same run. A node that has
    already succeeded in this run is not executed again.
    """
    if die_with_parent:
        process_supervisor.die_with_parent()
    _find_project()
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
