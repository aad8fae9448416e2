"""Who is measured: stock TFX, this project, and a plain script."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import sys
from collections.abc import Sequence

from benchmarks import measure, rows
from benchmarks.measure import REPOSITORY, Measured, Node

STOCK_BATCH, OUR_BATCH = 40, 256
DATA_NODES = ("ExampleGen", "StatisticsGen", "Transform")
NODES = (*DATA_NODES, "Trainer", "Evaluator")


@dataclasses.dataclass(frozen=True)
class Table:
    """A folder with data, schema and configuration, of so many rows."""

    folder: pathlib.Path
    rows: int

    @classmethod
    def make(cls, folder: pathlib.Path, count: int) -> Table:
        """Writes the table; the first 15,002 rows are the real ones."""
        source = REPOSITORY / "data" / "taxi" / "trips.csv"
        rows.write(source, folder / "data" / "taxi" / "trips.csv", count)
        shutil.copytree(REPOSITORY / "schema", folder / "schema")
        shutil.copy(REPOSITORY / "pipeline.yaml", folder)
        return cls(folder, count)


def stock(table: Table, *, steps: int = 1000, data_only: bool = False) -> Measured:
    """A cold run of stock TFX with its taxi template and runner; 40 rows a step."""
    root = table.folder / "stock"
    shutil.rmtree(root, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.stock.pipeline", "--steps", str(steps)]
    command += ["--data", str(table.folder / "data" / "taxi"), "--root", str(root)]
    result = measure.run([*command, *(["--data-only"] if data_only else [])])
    nodes = {name: Node(**taken) for name, taken in result.document["nodes"].items()}
    nodes["ExampleGen"] = nodes.pop("CsvExampleGen")
    return dataclasses.replace(result, nodes=nodes)


def ours(
    table: Table,
    *,
    steps: int | None = None,
    data_only: bool = False,
    cached: bool = False,
    options: Sequence[str] = (),
    **variables: str,
) -> Measured:
    """A run of this project; a cold one unless `cached`. `variables` are for its environment."""
    if not cached:
        shutil.rmtree(table.folder / "build", ignore_errors=True)
    command = [sys.executable, str(REPOSITORY / "runners" / "local_runner.py"), "--json"]
    command += ["--to", "Transform"] if data_only else []
    command += ["--set", f"training.steps={steps}"] if steps else []
    result = measure.run([*command, *options], table.folder, **variables)
    nodes = {
        name: Node(node["seconds"], node["cpu_seconds"])
        for name, node in result.document["nodes"].items()
        if node.get("cpu_seconds") is not None
    }
    return dataclasses.replace(result, nodes=nodes)


def template(project: pathlib.Path, **variables: str) -> Measured:
    """A run of one of TFX's templates, as a user starts it."""
    # A user of TFX has not set it; benchmarks of this project's models have.
    variables = {"TF_USE_LEGACY_KERAS": "0", **variables}
    return measure.run([sys.executable, "local_runner.py"], project, **variables)


def plain_script(table: Table) -> Measured:
    """pandas and tf.keras in one script: no validation, no evaluation by slice, no export."""
    command = [sys.executable, "-m", "benchmarks.plain_script", str(table.folder / "data" / "taxi")]
    return measure.run(command)
