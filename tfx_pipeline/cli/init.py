"""`tfx-pipeline init`: writes a project for a table of one's own."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from tfx_pipeline import terminal
from tfx_pipeline.cli import init_source
from tfx_pipeline.config import loader, preflight
from tfx_pipeline.config.default_treatments import described
from tfx_pipeline.errors import EXIT_USAGE, ConfigError, Problem, shown_name
from tfx_pipeline.profiling import label_choice, plan, project, sample
from tfx_pipeline.profiling.choice import Choice


@click.command("init")
@click.argument("data")
@click.option("--label", metavar="COLUMN", help="The column to predict. Absent: lists candidates.")
@click.option(
    "--output", default=".", show_default=True, metavar="DIR", help="The folder of the project."
)
@click.option("--query", metavar="SQL", help="For a database: a SELECT statement.")
@click.option("--table", metavar="NAME", help="For a database: the table; for Excel: the sheet.")
@click.option("--name", metavar="NAME", help="The pipeline's name. Absent: from DATA.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@terminal.json_option
def command(
    data: str,
    label: str | None,
    output: str,
    query: str | None,
    table: str | None,
    name: str | None,
    force: bool,
    as_json: bool,
) -> int | None:
    """Write a project for the table DATA: pipeline.yaml, a schema, .gitignore, README.md.

    DATA is a file, a folder of files, a pattern in quotes, s3://BUCKET/…, an Excel file, a folder
    of class folders of images (cats/1.jpg, dogs/2.png), or a database's URL (with --table or
    --query; the password comes from TFX_PIPELINE_DATA_PASSWORD). What was decided is printed with
    the reason, and stands in the files, to be edited.
    """
    source = init_source.read(data, query, table)
    label = label or source.label
    if label is None:
        return _candidates(source.rows, as_json)
    folder = pathlib.Path(output)
    rows, path = source.named_from(folder)
    decided = plan.make(rows, label)
    name = name or project.pipeline_name(table if path is None and table else source.shown)
    texts = {**project.files(decided, name, path, source.shown), **source.files(folder)}
    written = project.write(folder, texts, force, lambda: _ensure_valid(folder))
    if as_json:
        terminal.print_json(_document(decided, name, written))
    else:
        _print(decided, folder, written)
    return None


def _ensure_valid(folder: pathlib.Path) -> None:
    """What `init` wrote must pass `check`."""
    reading = loader.read_config(str(folder / "pipeline.yaml"), ())
    problems = [*reading.problems]
    if reading.config is not None:
        problems += preflight.check(reading.config)
    if problems:
        raise ConfigError(problems, reading.source)


def _candidates(rows: sample.Sample, as_json: bool) -> int:
    columns, _ = plan.profiles(rows, None)
    found = label_choice.candidates(columns)
    if as_json:
        listed = [{"column": c.subject, "task": c.decision, "reason": c.reason} for c in found]
        message = "--label is missing: name the column to predict"
        terminal.print_json(
            {"error": {"message": message, "exit_code": EXIT_USAGE}, "candidates": listed}
        )
        return EXIT_USAGE
    if not found:
        names = ", ".join(shown_name(c.name) for c in columns[:10])
        message = f"{rows.where} has no column that could be predicted (it has {names})"
        raise ConfigError(Problem("--label", message, "Name one with --label to see why"))
    terminal.stderr().print(
        "Name the column to predict with --label. Candidates, the likeliest first:"
    )
    table = _table("column", "task", "why")
    for choice in found:
        table.add_row(Text(shown_name(choice.subject)), choice.decision, Text(choice.reason))
    terminal.stdout().print(table)
    return EXIT_USAGE


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left", padding=(0, 3, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _print(decided: plan.Plan, folder: pathlib.Path, written: Sequence[pathlib.Path]) -> None:
    console = terminal.stdout()
    table = _table("decided", "value", "why")
    for choice in decided.choices:
        if choice.level == "note":
            table.add_row(Text(choice.subject), Text(choice.decision), Text(choice.reason))
    console.print(table)
    console.print()
    table = _table("column", "type", "treatment", "why")
    for feature in decided.features:
        profile = feature.profile
        settings = dict(feature.settings) if feature.settings is not None else None
        treatment = described(settings)
        table.add_row(
            Text(shown_name(profile.name)), profile.type, Text(treatment), Text(feature.reason)
        )
    console.print(table)
    console.print()
    for choice in decided.choices:
        if choice.level == "warning":
            console.print(Text(_warning(choice), style="yellow"))
    console.print(f"Wrote {', '.join(map(str, written))}")
    change = "" if str(folder) == "." else f"cd {folder} && "
    console.print(f"Next: {change}tfx-pipeline run")


def _warning(choice: Choice) -> str:
    return f"look at {shown_name(choice.subject)}: {choice.decision}: {choice.reason}"


def _document(decided: plan.Plan, name: str, written: Sequence[pathlib.Path]) -> dict[str, Any]:
    return {
        "name": name,
        "files": [str(path) for path in written],
        "rows": decided.sample.total_rows,
        "label": {
            "name": decided.label.name,
            "task": decided.label.task,
            "classes": decided.label.classes,
            "positive": decided.label.positive,
        },
        "data": decided.data,
        "split": decided.split,
        "decisions": [vars(choice) for choice in decided.choices],
        "columns": {
            feature.profile.name: {
                "type": feature.profile.type,
                "treatment": feature.settings,
                "reason": feature.reason,
            }
            for feature in decided.features
        },
    }
