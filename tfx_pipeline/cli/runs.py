"""`tfx-pipeline runs`: lists the pipeline's runs."""

from __future__ import annotations

import click
from rich.table import Table

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.metadata.run_history import open_runs
from tfx_pipeline.metadata.run_record import Run, metric_text
from tfx_pipeline.orchestrators.local.progress import state_text


@click.command("runs")
@terminal.config_options
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="The number of runs to list.",
)
@terminal.json_option
def command(
    config: str, overrides: tuple[str, ...], root: str | None, limit: int, as_json: bool
) -> None:
    """List the pipeline's runs, oldest first."""
    runs = open_runs(load_config(config, overrides, root=root))
    listed = runs.newest(limit)
    if as_json:
        terminal.print_json([run.model_dump(mode="json", exclude={"nodes"}) for run in listed])
    elif listed:
        terminal.stdout().print(_table(listed))
    else:
        terminal.stderr().print("No runs yet. Start one: tfx-pipeline run")


def _table(listed: list[Run]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("run", "state", "started (UTC)"):
        table.add_column(name, no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("cached", justify="right", no_wrap=True)
    table.add_column("metrics")
    table.add_column("pushed", no_wrap=True)
    for run in listed:
        metrics = "  ".join(metric_text(run, name) for name in list(run.metrics)[:2])
        cached = sum(node.state == "cached" for node in run.nodes.values())
        pushed = run.pushed_model.rsplit("/", 1)[-1] if run.pushed_model else "-"
        started = run.started.replace("T", " ").rstrip("Z")
        table.add_row(
            run.run_id,
            state_text(run.state),
            started,
            f"{run.seconds:.1f}",
            f"{cached}/{len(run.nodes)}",
            metrics,
            pushed,
        )
    return table
