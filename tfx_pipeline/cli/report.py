"""`tfx-pipeline report`: the report of a run as one HTML file."""

from __future__ import annotations

import pathlib

import click

from tfx_pipeline import errors, terminal
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import Layout


@click.command("report")
@click.argument("run_id", required=False)
@terminal.config_options
@click.option(
    "--output",
    metavar="FILE",
    help="The file to write; by default report.html in the run's folder.",
)
@click.option(
    "--against",
    metavar="RUN",
    help="The run to compare it with; by default the one before it.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the report in a browser.")
@terminal.json_option
def command(
    run_id: str | None,
    config: str,
    overrides: tuple[str, ...],
    root: str | None,
    output: str | None,
    against: str | None,
    open_it: bool,
    as_json: bool,
) -> None:
    """Write the report of a run: one HTML file that needs no network.

    RUN_ID may be the beginning of an id. Without it, the newest run is reported.
    """
    from tfx_pipeline.report import build

    loaded = load_config(config, overrides, root=root)
    layout = Layout(loaded.root, loaded.name)
    report = build.build(loaded, run_id, against)
    file = pathlib.Path(output) if output else layout.run(report.run_id).report
    if file.is_dir():
        raise errors.ConfigError(errors.Problem("--output", f"{file} is a folder", "Name a file"))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, report.html.encode())
    if as_json:
        terminal.print_json(
            {"run_id": report.run_id, "against": report.against, "report": str(file.absolute())}
        )
    else:
        click.echo(str(file))
    if open_it:
        click.launch(file.absolute().as_uri())
