"""`python -m benchmarks`: what is claimed, measured."""

import click

from benchmarks import (
    drift,
    lines,
    metadata,
    patches,
    quality,
    report,
    serving,
    sources,
    speed,
    tables,
    templates,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Measure quality and speed side by side with what else there is."""


cli.add_command(quality.command)
cli.add_command(speed.command, "speed")
cli.add_command(serving.command)
cli.add_command(patches.command)
cli.add_command(templates.command)
cli.add_command(metadata.command)
cli.add_command(lines.command)
cli.add_command(drift.command)
cli.add_command(tables.command)
cli.add_command(sources.command)
cli.add_command(report.command)

if __name__ == "__main__":
    cli()
