"""Public tables that ship inside packages, written to CSV as they are."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class PublicTable:
    """A table, and what an expert would decide about it.

    Attributes:
      load: makes a pandas DataFrame.
      label: the column to predict.
      task: the kind of prediction.
      left_out: the columns that are no features.
      time: the column by which the rows are split.
      types: the types of some columns.
    """

    load: Callable[[], Any]
    label: str
    task: str
    left_out: frozenset[str] = frozenset()
    time: str | None = None
    types: dict[str, str] = dataclasses.field(default_factory=dict)

    def write(self, path: pathlib.Path) -> pathlib.Path:
        """Writes the table as CSV."""
        self.load().to_csv(path, index=False)
        return path


def _sklearn(name: str) -> Callable[[], Any]:
    def load() -> Any:
        datasets = importlib.import_module("sklearn.datasets")
        return getattr(datasets, f"load_{name}")(as_frame=True).frame

    return load


def _statsmodels(name: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data


def _vega(name: str) -> Callable[[], Any]:
    return lambda: getattr(importlib.import_module("vega_datasets").data, name)()


def _river(name: str) -> Callable[[], Any]:
    def load() -> Any:
        import pandas

        datasets = importlib.import_module("river.datasets")
        rows = [{**x, "y": y} for x, y in getattr(datasets, name)()]
        return pandas.DataFrame(rows)

    return load


TABLES = {
    "breast-cancer": PublicTable(_sklearn("breast_cancer"), "target", "binary"),
    "wine": PublicTable(_sklearn("wine"), "target", "multiclass"),
    "diabetes": PublicTable(_sklearn("diabetes"), "target", "regression"),
    "iris": PublicTable(_vega("iris"), "species", "multiclass"),
    "cars": PublicTable(_vega("cars"), "Origin", "multiclass", types={"Year": "datetime"}),
    "seattle-weather": PublicTable(
        _vega("seattle_weather"),
        "weather",
        "multiclass",
        # No time: by date, a split would have no snow.
        types={"date": "datetime"},
    ),
    "barley": PublicTable(_vega("barley"), "yield", "regression"),
    "elections": PublicTable(_statsmodels("anes96"), "vote", "binary"),
    "affairs": PublicTable(_statsmodels("fair"), "affairs", "regression"),
    "health": PublicTable(_statsmodels("randhie"), "hlthp", "binary"),
    "schools": PublicTable(_statsmodels("star98"), "NABOVE", "regression"),
    "phishing": PublicTable(_river("Phishing"), "y", "binary"),
    "bananas": PublicTable(_river("Bananas"), "y", "binary"),
    "image-segments": PublicTable(_river("ImageSegments"), "y", "multiclass"),
    "approval": PublicTable(_river("TrumpApproval"), "y", "regression"),
    "chicks": PublicTable(_river("ChickWeights"), "y", "regression"),
}
