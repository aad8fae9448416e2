"""How good is the model? On public tables, or with `--config` on the rows of a run.

Without `--config`: ours beside boosted trees, linear models and an MLP on public tables; it
writes a page. With it: ours beside logistic regression and boosted trees. Run the pipeline first;
this reads the examples it made, so that all three see the same rows. Ours is trained by
`modules.trainer.run_fn` and asked through the exported `serving_default`.
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import click
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks import public_quality, quality_page
from benchmarks.public_quality import CONTESTANTS, TUNED
from benchmarks.quality_tables import TABLES
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.models import Config
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.storage.layout import Layout

Score = tuple[float, float, float]
"""AUC, accuracy, seconds to train."""


@click.command("quality", help=__doc__)
@click.option("--config", "config_file", help="The configuration of a finished run.")
@click.option("--seeds", default=3, show_default=True, help="How many seeds: 1, 2, ...")
@click.option("--root", help="Where the run lies, if not where the config says.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="As in a run.")
@click.option("--table", "tables", multiple=True, type=click.Choice([*TABLES]), help="Only these.")
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(CONTESTANTS),
    help=f"Only these; absent: all but {TUNED!r}, which takes hours.",
)
@click.option("--folder", default="build/quality", show_default=True, help="For the runs.")
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    help="What is measured is added to this file, and what is in it is not measured again; "
    "benchmarks/quality.jsonl holds what the page shows.  [default: results.jsonl in --folder]",
)
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="The page to write.")
@click.option("--note", default="", help="A sentence for the page: how it was measured.")
def command(
    config_file: str | None,
    seeds: int,
    root: str | None,
    overrides: tuple[str, ...],
    tables: tuple[str, ...],
    models: tuple[str, ...],
    folder: str,
    results: pathlib.Path | None,
    output: pathlib.Path | None,
    note: str,
) -> None:
    if config_file:
        of_run(config_file, seeds, root, overrides)
        return
    home = pathlib.Path(folder).resolve()
    results = results or home / "results.jsonl"
    models = models or tuple(m for m in CONTESTANTS if m != TUNED)
    public_quality.run(home, results, tables or tuple(TABLES), models, seeds)
    text = quality_page.page(public_quality.read(results), note)
    if output:
        output.write_text(text)
    else:
        click.echo(text)


def of_run(config_file: str, seeds: int, root: str | None, overrides: tuple[str, ...]) -> None:
    """Prints how good the model of a run is beside scikit-learn's."""
    try:
        config = load_config(config_file, overrides, root=root)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if config.label.task != "binary":
        raise click.UsageError(
            f"compares binary labels only; the label's task is {config.label.task}"
        )
    run = Run(config)
    rows = {split: run.frame(split) for split in ("train", "test")}
    table = Table("model", "seed", "AUC", "accuracy", "seconds", title=_title(config, rows))
    contestants = {
        "logistic regression": lambda seed: fit_sklearn(_logistic(config, seed), rows, config),
        "boosted trees": lambda seed: fit_sklearn(_trees(config, seed), rows, config),
        "ours": lambda seed: fit_ours(run, rows["test"], config, seed),
    }
    for name, fit in contestants.items():
        _add_rows(table, name, fit, seeds)
    Console().print(table)


def _title(config: Config, rows: dict[str, pd.DataFrame]) -> str:
    return f"{config.name}: {len(rows['train'])} rows to train, {len(rows['test'])} to test"


def _add_rows(table: Table, name: str, fit: Callable[[int], Score], seeds: int) -> None:
    scores = []
    for seed in range(1, seeds + 1):
        scores.append(fit(seed))
        auc, accuracy, seconds = scores[-1]
        table.add_row(name, str(seed), f"{auc:.4f}", f"{accuracy:.4f}", f"{seconds:.1f}")
    auc, accuracy, seconds = np.mean(scores, axis=0)
    table.add_row(
        f"[bold]{name}", "mean", f"{auc:.4f}", f"{accuracy:.4f}", f"{seconds:.1f}", end_section=True
    )


class Run:
    """The newest artifacts of a finished run."""

    def __init__(self, config: Config):
        self._config = config
        self._home = Layout(config.root, config.name).home
        self.examples = self._newest("ExampleGen", "examples")
        self.graph = self._newest("Transform", "transform_graph")
        self.transformed = self._newest("Transform", "transformed_examples")
        node = "ImportSchemaGen" if config.schema_source.path else "SchemaGen"
        self.schema = self._newest(node, "schema") / "schema.pbtxt"

    def _newest(self, node: str, output: str) -> pathlib.Path:
        found = sorted((self._home / node / output).glob("[0-9]*"), key=lambda path: int(path.name))
        if not found:
            message = f"no {output} of {node} below {self._home}; run the pipeline first: make run"
            raise click.ClickException(message)
        return found[-1]

    def records(self, split: str) -> Iterator[bytes]:
        """Raw serialized examples."""
        import tensorflow as tf

        files = sorted(map(str, (self.examples / f"Split-{split}").glob("*")))
        return tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()

    def frame(self, split: str) -> pd.DataFrame:
        """The raw feature columns and the label; missing values are NaN."""
        import tensorflow as tf

        names = [*self._config.features, self._config.label.name]
        rows = []
        for record in self.records(split):
            features = tf.train.Example.FromString(record).features.feature
            rows.append([_value(features[name]) if name in features else None for name in names])
        return pd.DataFrame(rows, columns=names)


def _value(feature) -> object:
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value if kind else ()
    if not values:
        return None
    return values[0].decode("utf-8", "replace") if kind == "bytes_list" else values[0]


def _categories(config: Config) -> list[str]:
    kinds = ("vocabulary", "hash", "integer")
    return [name for name, feature in config.features.items() if feature.transform in kinds]


def _logistic(config: Config, seed: int):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = _categories(config)
    numbers = [name for name in config.features if name not in categories]
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), categories),
    )
    return make_pipeline(prepare, LogisticRegression(max_iter=2000, random_state=seed))


def _trees(config: Config, seed: int):
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    code = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    prepare = make_column_transformer((code, _categories(config)), remainder="passthrough")
    trees = HistGradientBoostingClassifier(learning_rate=0.06, max_iter=150, random_state=seed)
    return make_pipeline(prepare, trees)


def fit_sklearn(model, rows: dict[str, pd.DataFrame], config: Config) -> Score:
    """Trains on the raw columns of the train split, scores on the test split."""
    label, columns = config.label.name, list(config.features)
    before = time.perf_counter()
    model.fit(rows["train"][columns], rows["train"][label])
    seconds = time.perf_counter() - before
    return (*_score(rows["test"][label], model.predict_proba(rows["test"][columns])[:, 1]), seconds)


def fit_ours(run: Run, test: pd.DataFrame, config: Config, seed: int) -> Score:
    """Trains and exports with `run_fn`, then asks the export."""
    import tensorflow as tf
    from tfx.components.trainer.fn_args_utils import FnArgs

    from modules.trainer import run_fn

    dumped = config.dump()
    dumped["training"]["seed"] = seed
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter()
        run_fn(
            FnArgs(
                train_files=[str(run.transformed / "Split-train" / "*")],
                eval_files=[str(run.transformed / "Split-eval" / "*")],
                transform_graph_path=str(run.graph),
                schema_path=str(run.schema),
                serving_model_dir=folder,
                custom_config={k: dumped[k] for k in ("features", "label", "model", "training")},
            )
        )
        seconds = time.perf_counter() - before
        serve = tf.saved_model.load(folder).signatures["serving_default"]
        answer = serve(examples=tf.constant(list(run.records("test"))))
    return (*_score(test[config.label.name], answer["probabilities"].numpy()[:, 1]), seconds)


def _score(labels: pd.Series, probabilities: np.ndarray) -> tuple[float, float]:
    from sklearn.metrics import accuracy_score, roc_auc_score

    return roc_auc_score(labels, probabilities), accuracy_score(labels, probabilities > 0.5)


if __name__ == "__main__":
    command()
