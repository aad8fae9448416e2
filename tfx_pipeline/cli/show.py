"""`tfx-pipeline show`: shows one run with its nodes, artifacts, metrics and trials."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from tfx_pipeline import terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.metadata.run_history import open_runs
from tfx_pipeline.metadata.run_record import Run
from tfx_pipeline.orchestrators.local.progress import print_run, shown_path
from tfx_pipeline.report import tuning


@click.command("show")
@click.argument("run_id", required=False)
@terminal.config_options
@terminal.json_option
def command(
    run_id: str | None, config: str, overrides: tuple[str, ...], root: str | None, as_json: bool
) -> None:
    """Show a run's nodes, artifacts, metrics and the trials of its Tuner.

    RUN_ID may be the beginning of an id. Without it, the newest run is shown.
    """
    runs = open_runs(load_config(config, overrides, root=root))
    run = runs.get(run_id) if run_id else runs.latest()
    if as_json:
        click.echo(run.to_json(), nl=False)
        return
    print_run(terminal.stdout(), run)
    terminal.stdout().print(_artifacts(run))
    for node in run.nodes.values():
        for uri in node.outputs.get("tuner_results", ()):
            if (trials := tuning.of_uri(uri)) is not None:
                terminal.stdout().print(_trials(trials))


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


def _trials(found: tuning.Trials) -> Table:
    table = Table(
        box=None, pad_edge=False, title="Trials, the chosen one first", title_justify="left"
    )
    table.add_column("trial", justify="right")
    table.add_column("state", no_wrap=True)
    table.add_column(found.metric, justify="right", no_wrap=True)
    is_compared = found.best.mean is not None
    if is_compared:
        table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("evaluations", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("values", overflow="fold")
    for trial in found.trials:
        values = ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in zip(found.names, trial.values, strict=True)
        )
        table.add_row(
            str(trial.number),
            trial.state,
            "" if trial.value is None else f"{trial.value:.4f}",
            *(["" if trial.mean is None else f"{trial.mean:.4f}"] if is_compared else []),
            str(trial.evaluations),
            "" if trial.seconds is None else f"{trial.seconds:.1f}",
            Text(values + (f" ({trial.reason})" if trial.state == "failed" else "")),
        )
    return table
