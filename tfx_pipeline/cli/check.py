"""`tfx-pipeline check`: is the configuration right, and what are its values?"""

from __future__ import annotations

import sys
from typing import Any

import click

from tfx_pipeline import terminal
from tfx_pipeline.config import loader, preflight
from tfx_pipeline.errors import ConfigError


@click.command("check")
@terminal.config_options
@terminal.json_option
def command(config: str, root: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check the configuration, and the data and schema it names.

    Prints the resolved values and every problem at once; exit code 0 or 2.
    """
    reading = loader.read_config(config, overrides, root=root)
    problems = [*reading.problems, *(preflight.check(reading.config) if reading.config else ())]
    if problems:
        if reading.config and not as_json:
            _print_values(reading.config.dump())
        raise ConfigError(problems, reading.source)
    if as_json:
        terminal.print_json({"config": reading.config.dump(), "problems": []})
        return
    _print_values(reading.config.dump())
    terminal.stderr().print(f"[green]{reading.source} is right.[/green]")


def _print_values(values: dict[str, Any]) -> None:
    text = to_yaml(values)
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.syntax import Syntax

    terminal.stdout().print(Syntax(text, "yaml", background_color="default"))


def to_yaml(values: dict[str, Any]) -> str:
    """The values as YAML: one line for each feature and each list, without absent values."""
    import io

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 100
    text = io.StringIO()
    yaml.dump(_present(values), text)
    return text.getvalue()


def _present(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    return value
