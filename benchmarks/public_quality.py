"""Ours beside boosted trees, linear models and an MLP on public tables, and the page about it.

Each table goes through `init` and a run up to Transform with no edit in between. Then each
effort and seed is trained by the Trainer's `run_fn`, and its export is asked. What is measured
is kept in a file, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import quality_contestants as contestants
from benchmarks.quality_contestants import Measured, Rows
from benchmarks.quality_tables import TABLES, QualityTable
from tfx_pipeline.config.loader import load_config

EFFORTS = ("quick", "standard", "best")
OURS = {effort: f"ours, {effort}" for effort in EFFORTS}
TUNED, TRIALS = "ours, tuned", 20
"""`standard` with the best values of so many trials: of one search, for all seeds."""
CONTESTANTS = (*OURS.values(), TUNED, *contestants.RIVALS)
_SPLITS = ("train", "eval", "test")


def run(
    folder: pathlib.Path,
    results: pathlib.Path,
    tables: Sequence[str],
    models: Sequence[str],
    seeds: int,
) -> None:
    """Measures what is not among the results yet.

    Args:
      folder: for projects and their runs.
      results: the file to which each training adds a line.
      tables, models: which.
      seeds: how many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(1, seeds + 1):
        for name in tables:
            project = None
            for model in models:
                if is_measured(results, name, model, seed):
                    continue
                if seed > 1 and model in contestants.SEEDLESS:
                    continue
                project = project or Project(folder / name, TABLES[name])
                found = project.measure(model, seed)
                line = {"table": name, "model": model, "seed": seed, **dataclasses.asdict(found)}
                with results.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                click.echo(f"{name:18} {model:22} seed {seed}  {found.score:.5g}")


def read(results: pathlib.Path) -> pd.DataFrame:
    """All results, one row for each training."""
    lines = results.read_text().splitlines() if results.exists() else []
    columns = ["table", "model", "seed", *(f.name for f in dataclasses.fields(Measured))]
    return pd.DataFrame([json.loads(line) for line in lines], columns=columns)


def is_measured(results: pathlib.Path, table: str, model: str, seed: int) -> bool:
    """Whether a training is among the results."""
    found = read(results)
    same = (found.table == table) & (found.model == model) & (found.seed == seed)
    return bool(same.any())


class Project:
    """A table's project, made by `init`, with its run up to Transform."""

    def __init__(self, folder: pathlib.Path, table: QualityTable):
        self._table, self._home = table, folder / "project"
        if not (folder / "transformed").exists():
            folder.mkdir(parents=True, exist_ok=True)
            table.load().to_csv(folder / "data.csv", index=False)
            data = str(folder / "data.csv")
            options = ["--label", table.label, "--output", str(self._home)]
            self._tfx_pipeline(folder, "init", data, *options)
            self._tfx_pipeline(self._home, "run", "--to", "Transform")
            (folder / "transformed").touch()
        self._runs = next((self._home / "build").glob("*/Transform")).parent
        self.rows = Rows({s: self._frame(s) for s in _SPLITS}, table.label, table.task)

    def measure(self, model: str, seed: int) -> Measured:
        """Trains one contestant."""
        if model in contestants.RIVALS:
            return contestants.RIVALS[model](self.rows, seed)
        effort = next((e for e, name in OURS.items() if name == model), "standard")
        records = list(self._records("test"))

        def train(folder: str) -> None:
            values = self._tuned() if model == TUNED else None
            self._train(folder, effort, seed, values)

        return contestants.ours(self.rows, train, records, seed)

    def _tuned(self) -> dict[str, Any]:
        """The best values that the node Tuner finds, as in `best_hyperparameters.txt`.

        It searches once: with the same settings, later runs use its result.
        """
        options = ["--set", f"tuning={{trials: {TRIALS}}}", "--to", "Tuner"]
        options += ["--set", "training.seed=1"]
        self._tfx_pipeline(self._home, "run", *options)
        file = self._newest("Tuner/best_hyperparameters") / "best_hyperparameters.txt"
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    def _train(
        self, folder: str, effort: str, seed: int, hyperparameters: dict[str, Any] | None
    ) -> None:
        from tfx.components.trainer.fn_args_utils import FnArgs

        from tfx_pipeline.modeling.trainer import run_fn

        overrides = [f"training.effort={effort}", f"training.seed={seed}"]
        dumped = load_config(str(self._home / "pipeline.yaml"), overrides).dump()
        keys = ("columns", "features", "label", "model", "training")
        examples = self._newest("Transform/transformed_examples")
        schema = "ImportSchemaGen" if (self._runs / "ImportSchemaGen").exists() else "SchemaGen"
        run_fn(
            FnArgs(
                train_files=[str(examples / "Split-train" / "*")],
                eval_files=[str(examples / "Split-eval" / "*")],
                transform_graph_path=str(self._newest("Transform/transform_graph")),
                schema_path=str(self._newest(f"{schema}/schema") / "schema.pbtxt"),
                serving_model_dir=folder,
                hyperparameters=hyperparameters,
                custom_config={key: dumped[key] for key in keys},
            )
        )

    def _newest(self, output: str) -> pathlib.Path:
        return max((self._runs / output).glob("[0-9]*"), key=lambda path: int(path.name))

    def _records(self, split: str) -> Iterator[bytes]:
        import tensorflow as tf

        folder = self._newest("ExampleGen/examples") / f"Split-{split}"
        files = sorted(map(str, folder.glob("*")))
        return tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()

    def _frame(self, split: str) -> pd.DataFrame:
        """The raw columns of a split, in the order of its examples; missing is None or NaN."""
        folder = self._newest("ExampleGen/examples") / "columns" / f"Split-{split}"
        tables = [pa.ipc.open_file(file).read_all() for file in sorted(folder.glob("*.arrow"))]
        frame = pa.concat_tables(tables).to_pandas()
        for name in frame:
            if frame[name].dtype == object:
                frame[name] = frame[name].map(_scalar)
                if not frame[name].map(lambda value: isinstance(value, str)).any():
                    frame[name] = pd.to_numeric(frame[name])
        return frame

    def _tfx_pipeline(self, folder: pathlib.Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "tfx_pipeline", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise click.ClickException(f"{' '.join(arguments)}: {done.stderr[-2000:]}")


def _scalar(value: Any) -> Any:
    if isinstance(value, (list, np.ndarray)):
        value = value[0] if len(value) else None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
