"""The boundary between commands and the terminal: options, consoles, errors, exit codes.

Commands raise; `main` turns what they raise into one message on standard error
(or one JSON document on standard output with `--json`) and the exit code.
Results go to standard output, logs and errors to standard error.
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

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 120
"""The width of tables in files and pipes."""

_DEBUG_OPTION, _JSON_OPTION = "--debug", "--json"


def stdout() -> Console:
    """The console for results."""
    return _console(sys.stdout, stderr=False)


def stderr() -> Console:
    """The console for logs and errors."""
    return _console(sys.stderr, stderr=True)


def _console(stream: TextIO, *, stderr: bool) -> Console:
    """A console that wraps no text; where there is no terminal, tables get room."""
    from rich.console import Console

    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(stderr=stderr, soft_wrap=True, highlight=False, width=width)


def print_json(document: Any) -> None:
    """Writes one JSON document to standard output."""
    click.echo(json.dumps(document, indent=2, default=str))


def config_options(function: Callable) -> Callable:
    """Adds `--config`, `--root` and `--set`: arguments `config`, `root` and `overrides`."""
    for option in reversed(
        [
            click.option(
                "--config",
                default="pipeline.yaml",
                show_default=True,
                metavar="FILE",
                help="The configuration.",
            ),
            click.option("--root", metavar="DIR", help="Where runs are kept, in place of 'root'."),
            click.option(
                "--set",
                "overrides",
                multiple=True,
                metavar="KEY=VALUE",
                help="Another value for a key of the configuration, for example training.steps=50.",
            ),
        ]
    ):
        function = option(function)
    return function


def json_option(function: Callable) -> Callable:
    """Adds `--json`: argument `as_json`."""
    return click.option(
        _JSON_OPTION, "as_json", is_flag=True, help="Print the result as one JSON document."
    )(function)


def main(command: click.Command, args: Sequence[str] | None = None) -> NoReturn:
    """Runs `command` and ends the process with its exit code."""
    sys.exit(invoke(command, sys.argv[1:] if args is None else args))


def invoke(command: click.Command, args: Sequence[str]) -> int:
    """Runs `command` and returns its exit code.

    A command returns None or its exit code, or raises. `--debug` anywhere shows
    the traceback of an unexpected error.
    """
    given, after_dashes = _split_at_dashes(args)
    debug = _DEBUG_OPTION in given or environment.is_set(os.environ.get(environment.DEBUG))
    as_json = _JSON_OPTION in given
    rest = [arg for arg in given if arg != _DEBUG_OPTION] + after_dashes
    try:
        code = command.main(args=rest, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else errors.EXIT_OK
    except BrokenPipeError:
        _discard_stdout()
        return errors.EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except Exception as error:
        return _report(error, as_json=as_json, debug=debug)


def _split_at_dashes(args: Sequence[str]) -> tuple[list[str], list[str]]:
    args = list(args)
    end = args.index("--") if "--" in args else len(args)
    return args[:end], args[end:]


def _discard_stdout() -> None:
    """Keeps Python from complaining once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted() -> int:
    click.echo("interrupted", err=True)
    return errors.EXIT_INTERRUPTED


def _report(error: Exception, *, as_json: bool, debug: bool) -> int:
    message, code = _message(error), _exit_code(error)
    if as_json:
        print_json({"error": describe(error, message, code)})
    else:
        _print_error(error, message)
    if debug:
        traceback.print_exception(error)
    return code


def describe(error: Exception, message: str, code: int) -> dict[str, Any]:
    """What `--json` says of an error."""
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


def findings_table(findings: Sequence[errors.Finding]):
    """A table of what a gate found; plain and complete where there is no terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what", style="bold", overflow="fold")
    table.add_column("rule", overflow="fold")
    table.add_column("found", overflow="fold")
    for finding in findings:
        table.add_row(Text(finding.subject), Text(finding.rule), Text(finding.found))
    return table
