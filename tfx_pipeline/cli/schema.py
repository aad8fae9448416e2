"""`tfx-pipeline schema`: the curated schema against the data of a run."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import warnings
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from tfx_pipeline import terminal
from tfx_pipeline.compat import lazy_imports
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import Config, PipelineConfig
from tfx_pipeline.config.schema_file import SchemaError, read_schema
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean, shown_name
from tfx_pipeline.storage.atomic_write import write_atomically

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

    from tfx_pipeline.components.schema_gen.schema_update import Change


@click.group("schema", context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """Show the curated schema, and review what new data would change."""


_run_option = click.option(
    "--run", "run_id", metavar="RUN_ID", help="The run whose data is meant; the newest if absent."
)


@group.command("show")
@terminal.config_options
@terminal.json_option
def show(config: str, overrides: tuple[str, ...], root: str | None, as_json: bool) -> None:
    """Show the columns of the curated schema."""
    _, schema = _curated(load_config(config, overrides, root=root))
    rows = [_row(schema, feature) for feature in schema.feature]
    if as_json:
        terminal.print_json({"columns": rows})
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("column", "type", "required", "domain"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(shown_name(row["column"]), row["type"], row["required"], row["domain"])
    terminal.stdout().print(table)


def _row(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> dict[str, str]:
    from tensorflow_metadata.proto.v0 import schema_pb2

    presence = feature.presence
    required = f"{presence.min_fraction:.3g} of the rows" if presence.min_fraction else ""
    if not required and presence.min_count:
        required = "in some row"
    return {
        "column": feature.name,
        "type": schema_pb2.FeatureType.Name(feature.type),
        "required": required,
        "domain": _domain(schema, feature),
    }


def _domain(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> str:
    values = [*feature.string_domain.value]
    values += [v for d in schema.string_domain if d.name == feature.domain for v in d.value]
    if values:
        return ", ".join(values)
    name = feature.WhichOneof("domain_info")
    if name in ("int_domain", "float_domain"):
        domain = getattr(feature, name)
        ends = [str(getattr(domain, e)) if domain.HasField(e) else "" for e in ("min", "max")]
        return f"{ends[0]}..{ends[1]}"
    return ""


@group.command("diff")
@terminal.config_options
@_run_option
@terminal.json_option
def diff(
    config: str, overrides: tuple[str, ...], root: str | None, run_id: str | None, as_json: bool
) -> None:
    """Show what the data of a run would change in the curated schema."""
    review = _review(load_config(config, overrides, root=root), run_id)
    if as_json:
        found = [dataclasses.asdict(change) for change in review.changes]
        terminal.print_json({"run_id": review.run_id, "changes": found})
    elif not review.changes:
        terminal.stdout().print(f"The data of run {review.run_id} fits the schema.")
    else:
        _print(review.changes)


@group.command("update")
@terminal.config_options
@_run_option
@click.option(
    "--accept",
    "columns",
    multiple=True,
    required=True,
    metavar="COLUMN",
    help="A column whose change is taken into the file. May be given several times.",
)
@click.argument("more", nargs=-1, metavar="[COLUMN]...")
@terminal.json_option
def update(
    config: str,
    overrides: tuple[str, ...],
    root: str | None,
    run_id: str | None,
    columns: tuple[str, ...],
    more: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change the curated schema for some columns; comments in the file are kept."""
    from tfx_pipeline.config import schema_text

    review = _review(load_config(config, overrides, root=root), run_id)
    wanted = [*columns, *more]
    known = {change.column for change in review.changes}
    if unknown := [name for name in wanted if name not in known]:
        raise _unknown(review, unknown[0], sorted(known))
    accepted = _schema_update().accept(review.before, review.after, wanted)
    text = review.path.read_text(encoding="utf-8")
    try:
        text = schema_text.edit(text, review.before, accepted)
    except ValueError as error:
        remedy = "Change the file by hand; tfx-pipeline schema diff shows what"
        raise ConfigError(Problem(str(review.path), str(error), remedy)) from error
    write_atomically(review.path, text)
    changed = [change for change in review.changes if change.column in wanted]
    if as_json:
        found = [dataclasses.asdict(change) for change in changed]
        terminal.print_json({"file": str(review.path), "changes": found})
        return
    _print(changed)
    terminal.stderr().print(f"Changed {review.path}.")


@dataclasses.dataclass(frozen=True)
class _Review:
    path: pathlib.Path
    run_id: str
    before: schema_pb2.Schema
    after: schema_pb2.Schema
    changes: list[Change]


def _review(config: PipelineConfig, run_id: str | None) -> _Review:
    from tfx_pipeline.metadata.run_history import open_runs

    path, schema = _curated(config)
    runs = open_runs(config)
    run = runs.get(run_id) if run_id else runs.latest()
    node = run.nodes.get("StatisticsGen")
    uris = node.outputs.get("statistics", []) if node else []
    if not uris:
        remedy = "Run the pipeline up to it: tfx-pipeline run --to StatisticsGen"
        message = "has no statistics of its data, because StatisticsGen did not complete"
        raise ConfigError(Problem(f"run {run.run_id}", message, remedy))
    schema_update = _schema_update()
    statistics = schema_update.read_statistics(uris[0])
    if not statistics:
        message = f"the statistics in {uris[0]} have been deleted"
        raise ConfigError(Problem(f"run {run.run_id}", message, "Run the pipeline again"))
    after = schema_update.updated(schema, statistics)
    return _Review(path, run.run_id, schema, after, schema_update.changes(schema, after))


def _schema_update() -> types.ModuleType:
    """Imports TensorFlow Data Validation, without the warnings of what it imports."""
    prepare_environment()
    with lazy_imports.importing(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tfx_pipeline.components.schema_gen import schema_update
    return schema_update


def _curated(config: PipelineConfig) -> tuple[pathlib.Path, schema_pb2.Schema]:
    """The path and the content of the curated schema."""
    if not isinstance(config, Config) or config.schema_source.path is None:
        message = "names no file; the schema is inferred in each run"
        raise ConfigError(Problem("schema.path", message, "Name the curated schema's file"))
    path = pathlib.Path(config.schema_source.path)
    try:
        return path, read_schema(path)
    except (SchemaError, OSError) as error:
        reason = f"{path}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise ConfigError(Problem("schema.path", reason)) from error


def _unknown(review: _Review, name: str, known: list[str]) -> ConfigError:
    fits = any(feature.name == name for feature in review.after.feature)
    message = "fits the schema, there is nothing to accept" if fits else "there is no such column"
    hint = did_you_mean(name, known) or f"Columns to accept: {', '.join(known) or 'none'}"
    return ConfigError(Problem(f"--accept {name}", message, hint))


def _print(changes: list[Change]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("column", "change", "in the schema", "with this data"):
        table.add_column(heading, overflow="fold")
    for change in changes:
        row: list[Any] = [shown_name(change.column), change.kind, change.before, change.after]
        table.add_row(*row)
    terminal.stdout().print(table)
