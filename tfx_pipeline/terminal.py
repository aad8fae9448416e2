"""The boundary between commands and the terminal: options, consoles, errors, exit codes.

Commands raise exceptions; `main` turns these into one message on standard error (or,
with `--json`, one JSON document on standard output) and the exit code. Results go to
standard output, logs and errors to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from tfx_pipeline import errors
from tfx_pipeline.config import environment
from tfx_pipeline.storage import object_store

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PLAIN_WIDTH = 120
"""The width of tables that are not printed to a terminal."""

_DEBUG_OPTION, _JSON_OPTION = "--debug", "--json"


def stdout() -> Console:
    """The console for results."""
    return _console(sys.stdout, stderr=False)


def stderr() -> Console:
    """The console for logs and errors."""
    return _console(sys.stderr, stderr=True)


def _console(stream: TextIO, *, stderr: bool) -> Console:
    """A console that wraps no text and prints every text literally.

    Column names, messages and paths may contain `[…]` or `:…:`, which Rich would
    otherwise read as markup and emoji. Styles are given by `Text` or by `style=`.
    """
    from rich.console import Console

    return Console(
        stderr=stderr,
        soft_wrap=True,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH,
    )


def print_json(document: Any) -> None:
    """Writes one JSON document to standard output."""
    click.echo(json.dumps(document, indent=2, default=str))


def config_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--config`, `--root` and `--set`: arguments `config`, `root` and `overrides`."""
    for option in reversed(
        [
            click.option(
                "--config",
                default="pipeline.yaml",
                show_default=True,
                metavar="FILE",
                help="The configuration file.",
            ),
            click.option("--root", metavar="DIR", help="The folder for runs; replaces 'root'."),
            click.option(
                "--set",
                "overrides",
                multiple=True,
                metavar="KEY=VALUE",
                help="Override a key of the configuration, for example training.steps=50.",
            ),
        ]
    ):
        function = option(function)
    return function


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`: argument `as_json`."""
    return click.option(
        _JSON_OPTION, "as_json", is_flag=True, help="Print the result as one JSON document."
    )(function)


def main(command: click.Command, args: Sequence[str] | None = None) -> NoReturn:
    """Runs `command` and ends the process with its exit code."""
    object_store.end_process(invoke(command, sys.argv[1:] if args is None else args))


def invoke(command: click.Command, args: Sequence[str]) -> int:
    """Runs `command` and returns its exit code.

    A command returns None or its exit code, or raises. `--debug`, at any place, also
    prints the traceback of an error.
    """
    end = [*args, "--"].index("--")  # what follows `--` is not for us
    options, rest = args[:end], args[end:]
    debug = _DEBUG_OPTION in options or environment.is_set(os.environ.get(environment.DEBUG))
    arguments = [option for option in options if option != _DEBUG_OPTION] + [*rest]
    try:
        code = command.main(args=arguments, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else errors.EXIT_OK
    except BrokenPipeError:
        # Python flushes standard output once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return errors.EXIT_INTERRUPTED
    except Exception as error:
        message, exit_code = _message(error), _exit_code(error)
        if _JSON_OPTION in options:
            print_json({"error": describe(error, message, exit_code)})
        else:
            _print_error(error, message)
        if debug:
            traceback.print_exception(error)
        return exit_code


def describe(error: Exception, message: str, code: int) -> dict[str, Any]:
    """An error as `--json` prints it."""
    result: dict[str, Any] = {"message": message, "exit_code": code}
    if isinstance(error, errors.ConfigError):
        result["problems"] = [vars(problem) for problem in error.problems]
    if isinstance(error, errors.Refused):
        result["findings"] = [vars(finding) for finding in error.findings]
    return result


def _message(error: Exception) -> str:
    if isinstance(error, errors.PipelineError):
        return str(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"unexpected error: {type(error).__name__}: {error}. "
        f"Please report it with the traceback that {_DEBUG_OPTION} prints."
    )


def _exit_code(error: Exception) -> int:
    if isinstance(error, errors.PipelineError):
        return error.exit_code
    if isinstance(error, click.UsageError):
        return errors.EXIT_USAGE
    return errors.EXIT_FAILED


def _print_error(error: Exception, message: str) -> None:
    from rich.text import Text

    console = stderr()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        console.print(Text(context.get_usage()))
    console.print(Text.assemble(("error: ", "bold red"), message))
    if context is not None:
        console.print(Text(f"Try '{context.command_path} --help' for help."))
    if isinstance(error, errors.Refused) and error.findings:
        console.print(findings_table(error.findings))


def findings_table(findings: Sequence[errors.Finding]) -> Table:
    """A table of a gate's findings, without shortened texts."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what", style="bold", overflow="fold")
    table.add_column("rule", overflow="fold")
    table.add_column("found", overflow="fold")
    for finding in findings:
        subject = errors.shown_name(finding.subject)
        table.add_row(Text(subject), Text(finding.rule), Text(finding.found))
    return table
