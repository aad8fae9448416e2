"""`tfx-pipeline check`: validates the configuration and prints its values."""

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

    Prints the resolved values and all problems. The exit code is 0 or 2.
    """
    reading = loader.read_config(config, overrides, root=root)
    if reading.config is None:
        raise ConfigError(reading.problems, reading.source)
    values = reading.config.dump()
    problems = [*reading.problems, *preflight.check(reading.config)]
    if not as_json:
        _print_values(values)
    if problems:
        raise ConfigError(problems, reading.source)
    if as_json:
        terminal.print_json({"config": values, "problems": []})
    else:
        terminal.stderr().print(f"{reading.source} is valid.", style="green")


def _print_values(values: dict[str, Any]) -> None:
    text = to_yaml(values)
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.syntax import Syntax

    terminal.stdout().print(Syntax(text, "yaml", background_color="default"))


def to_yaml(values: dict[str, Any]) -> str:
    """The values as YAML, without absent ones; each feature and each list is on one line."""
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
