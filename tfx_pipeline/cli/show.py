"""`tfx-pipeline show`: shows one run with its nodes, artifacts and metrics."""

from __future__ import annotations

import click
from rich.table import Table

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.metadata.run_history import Run, open_runs
from tfx_pipeline.orchestrators.local.progress import print_run, shown_path


@click.command("show")
@click.argument("run_id", required=False)
@terminal.config_options
@terminal.json_option
def command(
    run_id: str | None, config: str, overrides: tuple[str, ...], root: str | None, as_json: bool
) -> None:
    """Show a run's nodes, artifacts and metrics.

    RUN_ID may be the beginning of an id. Without it, the newest run is shown.
    """
    runs = open_runs(load_config(config, overrides, root=root))
    run = runs.get(run_id) if run_id else runs.latest()
    if as_json:
        click.echo(run.to_json(), nl=False)
        return
    print_run(terminal.stdout(), run)
    terminal.stdout().print(_artifacts(run))


def _artifacts(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, title="Artifacts", title_justify="left")
    table.add_column("node", no_wrap=True)
    table.add_column("output", no_wrap=True)
    table.add_column("URI", overflow="fold")
    for name, node in run.nodes.items():
        for key, uris in node.outputs.items():
            for uri in uris:
                table.add_row(name, key, shown_path(uri))
    return table
