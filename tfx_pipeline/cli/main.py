"""The command `tfx-pipeline`. It imports a subcommand only when that is called."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import click

import tfx_pipeline
from tfx_pipeline import terminal
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.user_code.loader import describe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

RUNNERS_GROUP = "tfx_pipeline.runners"
"""The entry points of runners: `local`, and the targets of `compile`."""

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


@dataclasses.dataclass(frozen=True)
class Lazy:
    """A command that is imported when it is called.

    Attributes:
      load: imports the command.
      help: its line in the list of commands.
    """

    load: Callable[[], click.Command]
    help: str


class LazyGroup(click.Group):
    """A group whose help imports none of its commands."""

    def __init__(self, *args: Any, lazy: Callable[[], Mapping[str, Lazy]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in their order."""
        return list(self._lazy())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command; None if there is none of that name."""
        entry = self._lazy().get(cmd_name)
        return entry.load() if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command in `args`; a misspelt name gets a suggestion."""
        if args and not args[0].startswith("-") and args[0] not in self._lazy():
            hint = did_you_mean(args[0], self._lazy())
            raise click.UsageError(f"there is no command {args[0]!r}. {hint}".strip(), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands into the help."""
        rows = [(name, entry.help) for name, entry in self._lazy().items()]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def _module(path: str) -> Callable[[], click.Command]:
    """A function that imports `module:attribute`."""
    module, _, attribute = path.partition(":")
    return lambda: getattr(importlib.import_module(module), attribute)


def _runner_entry_points() -> dict[str, Callable[[], click.Command]]:
    from importlib import metadata

    entries = metadata.entry_points(group=RUNNERS_GROUP)
    return {entry.name: functools.partial(_load_runner, entry) for entry in entries}


def _load_runner(entry: EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except Exception as error:
        message = f"{entry.value} cannot be imported: {describe(error)}"
        raise ConfigError(Problem(f"the runner {entry.name!r}", message)) from error
    if isinstance(command, click.Command):
        return command
    message = f"{entry.value} must be a click command, found {command!r:.100}"
    raise ConfigError(Problem(f"the runner {entry.name!r}", message))


def _local_runner() -> click.Command:
    found = _runner_entry_points()
    if "local" not in found:
        raise _not_installed("no runner is installed")
    return found["local"]()


def _compile_targets() -> dict[str, Lazy]:
    return {
        name: Lazy(load, f"Write the files for {name.capitalize()}.")
        for name, load in sorted(_runner_entry_points().items())
        if name != "local"
    }


def _not_installed(message: str) -> ConfigError:
    return ConfigError(Problem("", message, "In the project's folder: pip install -e ."))


def _compile_group() -> click.Command:
    if not _compile_targets():
        raise _not_installed("no runner that compiles is installed")
    return LazyGroup(
        "compile",
        lazy=_compile_targets,
        context_settings=HELP_NAMES,
        help="Write the files that another orchestrator runs.",
    )


COMMANDS: dict[str, Lazy] = {
    "init": Lazy(
        _module("tfx_pipeline.cli.init:command"),
        "Write a project for a table of your own.",
    ),
    "check": Lazy(
        _module("tfx_pipeline.cli.check:command"),
        "Check the configuration, and the data and schema it names.",
    ),
    "run": Lazy(_local_runner, "Run the pipeline on this machine."),
    "compile": Lazy(_compile_group, "Write the files that another orchestrator runs."),
    "schema": Lazy(
        _module("tfx_pipeline.cli.schema:group"),
        "Show the curated schema, and review what new data would change.",
    ),
    "runs": Lazy(_module("tfx_pipeline.cli.runs:command"), "List the runs."),
    "show": Lazy(_module("tfx_pipeline.cli.show:command"), "Show a run's artifacts and metrics."),
    "report": Lazy(
        _module("tfx_pipeline.cli.report:command"), "Write the report of a run as one HTML file."
    ),
    "ui": Lazy(
        _module("tfx_pipeline.cli.ui:command"),
        "Serve a local page over all runs: live states, logs, metrics, models.",
    ),
    "serve": Lazy(
        _module("tfx_pipeline.cli.serve:command"),
        "Serve pushed models over TensorFlow Serving's gRPC and REST APIs.",
    ),
    "predict": Lazy(
        _module("tfx_pipeline.cli.predict:command"),
        "Request predictions for the rows of a file from a model server.",
    ),
    "models": Lazy(
        _module("tfx_pipeline.cli.models:command"),
        "List the pushed versions with run, metrics, blessing and labels.",
    ),
    "promote": Lazy(_module("tfx_pipeline.cli.rollout:promote"), "Assign a label to a version."),
    "canary": Lazy(
        _module("tfx_pipeline.cli.rollout:canary"), "Send a share of the rows to a version."
    ),
    "rollback": Lazy(
        _module("tfx_pipeline.cli.rollout:rollback"), "Undo the last promote or canary."
    ),
}


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"tfx-pipeline {tfx_pipeline.__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, name="tfx-pipeline", lazy=lambda: COMMANDS, context_settings=HELP_NAMES)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def main() -> None:
    """TFX pipelines from one configuration, for any orchestrator."""


def run() -> NoReturn:
    """Runs the command line and exits."""
    terminal.main(main)
