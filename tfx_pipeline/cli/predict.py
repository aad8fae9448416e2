"""`tfx-pipeline predict`: sends the rows of a file to a model server."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import shlex
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

import click

from tfx_pipeline import terminal
from tfx_pipeline.cli import predict_images, predict_input
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.errors import ConfigError, Problem, ServingError
from tfx_pipeline.serving.client import row_files
from tfx_pipeline.storage.atomic_write import write_atomically

if TYPE_CHECKING:
    from tfx_pipeline.serving.client.traffic_split import Split

_BATCH_ROWS = 8192
_BATCH_IMAGES = 256
"""Rows with images that are in memory at a time."""
_CURL_ROWS = 3


@click.command("predict")
@click.argument("file")
@click.option(
    "--target",
    default="localhost:8500",
    show_default=True,
    help="HOST:PORT or grpcs:// for gRPC, http:// or https:// for REST.",
)
@click.option("--model", help="The model's name.  [default: the model that pipeline.yaml pushes]")
@click.option(
    "--version", type=click.IntRange(1), help="The version to use.  [default: the latest]"
)
@click.option("--label", help="The label to use, instead of a version.")
@click.option(
    "--signature",
    help="The signature to call.  [default: columns; serving_default where there is none]",
)
@click.option("--split", is_flag=True, help="Split the rows as 'tfx-pipeline canary' has set it.")
@click.option(
    "--canary-percent",
    type=click.FloatRange(0, 100),
    help="Send this percentage of the rows to the canary.",
)
@click.option(
    "--key", metavar="COLUMN", help="The column that decides which rows the canary receives."
)
@click.option(
    "--format",
    "input_format",
    type=click.Choice(["csv", "jsonl"]),
    help="The format of FILE.  [default: by its suffix]",
)
@click.option(
    "--output", metavar="FILE", help="The file for the predictions.  [default: standard output]"
)
@click.option(
    "--output-format",
    type=click.Choice(["csv", "jsonl"]),
    help="The format of the predictions.  [default: the format of FILE]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=10,
    show_default=True,
    help="Seconds for each request.",
)
@click.option(
    "--chunk-rows",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="The maximum number of rows in one request.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="A header to send with each request; may be repeated.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="COLUMN",
    help="A column of paths of images, from the folder of FILE; may be repeated.  [default: those "
    "of pipeline.yaml]",
)
@click.option("--ca-file", metavar="FILE", help="A file of certificates to trust for TLS.")
@click.option(
    "--print-curl",
    is_flag=True,
    help=f"Only print the curl command for the first {_CURL_ROWS} rows.",
)
@click.option(
    "--config",
    default="pipeline.yaml",
    show_default=True,
    metavar="FILE",
    help="The configuration; says which model, and how FILE may be written.",
)
def command(**options: Any) -> None:
    """Send the rows of FILE to a model server and print the predictions.

    FILE is CSV with a header, or has one JSON object on each line; - means
    standard input. Columns that the model does not have are ignored. Absent
    values are missing values. Of a column of images, the files are sent. A text
    file that is written as data: in pipeline.yaml says is read like that.
    """
    from tfx_pipeline.serving.client.sync import Client

    file_format = options["input_format"] or row_files.format_of(options["file"])
    client = Client(
        options["target"],
        _model(options),
        options["version"],
        options["label"],
        split=_split(options),
        signature=options["signature"],
        timeout=options["timeout"],
        chunk_rows=options["chunk_rows"],
        headers=_headers(options["headers"]),
        ca_file=options["ca_file"],
    )
    rows = predict_input.open_rows(options["file"], file_format, options["config"])
    with client, rows as file:
        _ensure_reachable(client, options["target"])
        if options["print_curl"]:
            click.echo(_curl(client, file, file_format, options))
        else:
            _predict(client, file, file_format, options)


def _ensure_reachable(client: Any, target: str) -> None:
    """Requests the signature, so that no row is read if the server cannot be reached."""
    try:
        client.signature()
    except ServingError as error:
        if error.code != "UNAVAILABLE":
            raise
        message = f"{target} cannot be reached: {error.message}. Start one: tfx-pipeline serve"
        raise ServingError(error.code, message) from error


def _model(options: dict[str, Any]) -> str:
    if options["model"]:
        return str(options["model"])
    if not pathlib.Path(options["config"]).exists():
        message = f"is not given, and there is no {options['config']} that names a model"
        raise ConfigError(Problem("--model", message))
    return load_config(options["config"]).model_name


def _split(options: dict[str, Any]) -> Split | None:
    from tfx_pipeline.serving.client.traffic_split import Split
    from tfx_pipeline.serving.rollout import traffic_state

    if options["canary_percent"] is not None:
        return Split(options["canary_percent"], options["key"])
    if options["split"]:
        config = load_config(options["config"])
        return traffic_state.load(config.model_name, config.push_dir).split(options["key"])
    if options["key"]:
        raise ConfigError("--key: only with --split or --canary-percent")
    return None


def _headers(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition(":") for text in texts]
    for name, sign, _ in pairs:
        if not sign or not name.strip():
            raise ConfigError(f"--header: must be NAME:VALUE, found {name!r}")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _predict(client: Any, file: TextIO, file_format: str, options: dict[str, Any]) -> None:
    from tfx_pipeline.serving.rollout.version_comparison import Comparison

    start, comparison = time.perf_counter(), Comparison()
    output_format = options["output_format"] or file_format
    with _destination(options["output"]) as target, _progress() as advance:
        writer = row_files.PredictionWriter(target, output_format)
        images = predict_images.columns(options["config"], options["images"])
        size = _BATCH_IMAGES if images else _BATCH_ROWS
        for table in row_files.read_batches(file, options["file"], file_format, size):
            answers = client.predict(predict_images.read(table, images, options["file"]))
            as_json = output_format == row_files.JSON_LINES
            writer.write(answers.rows() if as_json else answers.flat_rows())
            comparison.add(answers)
            advance(len(answers))
    _report(comparison, time.perf_counter() - start)


@contextlib.contextmanager
def _destination(path: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that is written when all predictions are there."""
    if path is None:
        yield sys.stdout
        return
    text = io.StringIO()
    yield text
    write_atomically(pathlib.Path(path), text.getvalue())


@contextlib.contextmanager
def _progress() -> Iterator[Any]:
    """Shows the number of rows in a terminal, nothing elsewhere."""
    console = terminal.stderr()
    if not console.is_terminal:
        yield lambda rows: None
        return
    from rich.progress import Progress, TextColumn

    with Progress(TextColumn("{task.completed:,.0f} rows"), console=console, transient=True) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda rows: bar.advance(task, rows)


def _report(comparison: Any, seconds: float) -> None:
    from rich.table import Table

    rows = comparison.rows()
    count = sum(int(row[2]) for row in rows)
    versions = "; ".join(dict.fromkeys(row[1] for row in rows if row[1] != "-"))
    by = f", by version {versions}" if versions else ""
    terminal.stderr().print(f"{count:,} rows in {seconds:.2f} s{by}")
    if len(rows) > 1:
        table = Table(*comparison.header(), box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        terminal.stderr().print(table)


def _curl(client: Any, file: TextIO, file_format: str, options: dict[str, Any]) -> str:
    """Returns the curl command that sends the first rows."""
    from tfx_pipeline.serving.client import request_encoder, rest_json
    from tfx_pipeline.serving.client.protocols import ModelRef, model_path
    from tfx_pipeline.serving.client.transport import Target

    target = Target(options["target"])
    if not target.is_rest:
        remedy = "Give the address of REST: --target http://localhost:8501"
        raise ConfigError(Problem("--print-curl", f"{options['target']} is gRPC", remedy))
    tables = row_files.read_batches(file, options["file"], file_format, _CURL_ROWS)
    table = next(tables, None)
    if table is None:
        raise ConfigError(Problem(options["file"], "has no rows"))
    images = predict_images.columns(options["config"], options["images"])
    table = predict_images.read(table, images, options["file"])
    signature = client.signature()
    instances = rest_json.rows(request_encoder.encode(table, signature))
    body = json.dumps({"signature_name": signature.name, "instances": instances})
    model = ModelRef(_model(options), options["version"], options["label"])
    parts = ["curl", "-d", body]
    for header in options["headers"]:
        parts += ["-H", header]
    return shlex.join([*parts, f"{options['target'].rstrip('/')}{model_path(model)}:predict"])
