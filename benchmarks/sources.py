"""Reading rows from a database, beside reading the same rows from a CSV file.

    python -m benchmarks sources --rows 1000000 --output benchmarks/SOURCES.md

The database is a PostgreSQL server of the benchmark's own, on this machine: it takes a part of
the processors while it answers. Each run is a process of its own, and takes nothing from the cache.
"""

from __future__ import annotations

import os
import pathlib
import tempfile

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import contestants, results, rows
from benchmarks.contestants import Table
from benchmarks.measure import Measured
from tfx_pipeline.config.environment import DATA_PASSWORD

_CSV = "CSV"


@click.command("sources")
@click.option("--rows", "count", default=1_000_000, show_default=True, type=click.IntRange(1000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write Markdown here.")
def command(count: int, rounds: int, output: pathlib.Path | None) -> None:
    """Measure ExampleGen on a CSV file and on a PostgreSQL server. Needs PostgreSQL's programs."""
    from tests import postgres

    taken: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, postgres.serve() as server:
        os.environ[DATA_PASSWORD] = postgres.PASSWORD
        table = Table.make(pathlib.Path(folder), count)
        _fill(server, table.folder / "data" / "taxi" / "trips.csv")
        database = f"format: sql, url: '{server.url()}', table: trips"
        sources = {
            _CSV: "{format: csv, path: data/taxi}",
            "PostgreSQL": f"{{{database}}}",
            "PostgreSQL, partition_column": f"{{{database}, partition_column: id, exclude: [id]}}",
        }
        for number in range(1, rounds + 1):
            for name, data in sources.items():
                options = ["--to", "ExampleGen", "--set", f"data={data}"]
                run = contestants.ours(table, options=options)
                taken.setdefault(name, []).append(run)
                seconds = run.nodes["ExampleGen"].wall
                click.echo(f"round {number}: {name}: ExampleGen {seconds:.1f} s", err=True)
    text = _markdown(count, taken)
    if output is not None:
        output.write_text(text)
    Console().print(Markdown(text))


def _fill(server, file: pathlib.Path) -> None:
    """Makes the table `trips` of a CSV file, with a number for each row."""
    with file.open("rb") as source, server.connect() as connection:
        names = source.readline().decode().strip().split(",")
        kinds = dict.fromkeys(rows.integers(file), "bigint") | dict.fromkeys(rows.TEXTS, "text")
        columns = ", ".join(f"{name} {kinds.get(name, 'double precision')}" for name in names)
        connection.execute(f"CREATE TABLE trips ({columns}, id bigserial PRIMARY KEY)")
        order = f"COPY trips ({', '.join(names)}) FROM STDIN (FORMAT csv)"
        with connection.cursor() as cursor, cursor.copy(order) as copy:
            while block := source.read(1 << 20):
                copy.write(block)
        connection.execute("ANALYZE trips")


def _markdown(count: int, taken: dict[str, list[Measured]]) -> str:
    lines = [
        "# Reading rows from a database",
        "",
        results.machine(),
        "",
        "Written by `python -m benchmarks sources`. Median (smallest to largest) of runs that took",
        "turns. The server runs on the same machine; its CPU time is not counted.",
        "",
        f"{count:,} rows with the columns of the bundled example:",
        "",
        "| source | ExampleGen, s | CPU, s | whole command, s | peak memory, MB | of CSV's speed |",
        "|---" * 6 + "|",
    ]
    for name, runs in taken.items():
        nodes = [run.nodes["ExampleGen"] for run in runs]
        speeds = [csv.nodes["ExampleGen"].wall / node.wall for csv, node in zip(taken[_CSV], nodes)]
        cells = [
            name,
            results.cell([node.wall for node in nodes]),
            results.cell([node.cpu for node in nodes]),
            results.cell([run.wall for run in runs]),
            results.cell([run.peak for run in runs]),
            results.cell([100 * speed for speed in speeds]) + " %",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
