"""`tfx-pipeline check`: validates the configuration and prints its values."""

from __future__ import annotations

import sys
from typing import Any

import click

from tfx_pipeline import terminal
from tfx_pipeline.config import default_treatments, loader, preflight
from tfx_pipeline.config.default_treatments import Decision
from tfx_pipeline.config.models import Config, PipelineConfig
from tfx_pipeline.errors import ConfigError, PipelineError, Problem


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
    if not problems:
        problems = _of_database(reading.config)
    if not as_json:
        _print_values(values)
    if problems:
        raise ConfigError(problems, reading.source)
    decided = _decided(reading.config)
    if as_json:
        treatments = {
            name: {"treatment": decision.settings, "reason": decision.reason}
            for name, decision in decided.items()
        }
        terminal.print_json({"config": values, "problems": [], "decided": treatments})
    else:
        _print_decided(reading.config, decided)
        terminal.stderr().print(f"{reading.source} is valid.", style="green")


def _of_database(config: PipelineConfig) -> list[Problem]:
    """Columns that the query does not return. A server that cannot be reached is only named."""
    if not isinstance(config, Config) or not config.data.is_sql:
        return []
    from tfx_pipeline.components.example_gen.sql_reader import DatabaseUnreachable, SqlQuery

    data = config.data
    source = data.table or "the query"
    try:
        with SqlQuery(url=str(data.url), query=data.query, table=data.table).open() as database:
            return [*preflight.columns_of(config, source, database.names())]
    except DatabaseUnreachable as error:
        terminal.stderr().print(f"The columns are not checked: {error}", style="yellow")
        return []
    except ConfigError as error:
        return [*error.problems]
    except PipelineError as error:
        return [Problem("data.table" if data.table else "data.query", str(error))]


def _decided(config: PipelineConfig) -> dict[str, Decision]:
    """The treatments that a run would decide, from the first rows of the data."""
    if not isinstance(config, Config) or not config.undecided:
        return {}
    from tfx_pipeline.config import data_sample

    facts = data_sample.used(config, data_sample.facts(config))
    return {n: default_treatments.decide(f, n in config.features) for n, f in facts.items()}


def _print_decided(config: PipelineConfig, decided: dict[str, Decision]) -> None:
    if not isinstance(config, Config) or not config.undecided:
        return
    if not decided:
        click.echo("# The run decides the other treatments; the data cannot be read from here.")
        return
    click.echo("# Treatments by the data's first rows; a run decides by its training split:")
    for line in default_treatments.lines(decided):
        click.echo(f"#   {line}")


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
