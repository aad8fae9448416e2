"""Who is compared on the public tables: each trains on the train split and answers the test split.

The boosted trees and the linear model have their libraries' defaults. They see the train split
only; the network and the MLP stop by the eval split as well.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

_TREE_CATEGORIES = 250
"""HistGradientBoosting takes 255 at most; others are missing for it."""
_ONE_ROW_CALLS = 30


@dataclasses.dataclass(frozen=True)
class Rows:
    """One table's splits as frames, and the task.

    Attributes:
      splits: raw columns with the label, by split.
      label, task: what is predicted.
    """

    splits: dict[str, pd.DataFrame]
    label: str
    task: str

    def features(self, split: str, *, categories: bool = True) -> pd.DataFrame:
        """The columns without the label; texts as categories of the train split."""
        frame = self.splits[split].drop(columns=[self.label])
        train = self.splits["train"]
        texts = [name for name in frame if train[name].dtype == object]
        if not categories:
            return frame.astype(dict.fromkeys(texts, str))
        for name in texts:
            known = train[name].value_counts().index[:_TREE_CATEGORIES]
            frame[name] = pd.Categorical(frame[name], sorted(known))
        return frame

    @property
    def classes(self) -> list[Any]:
        """The classes of the train split, sorted."""
        return sorted(self.splits["train"][self.label].unique())

    def target(self, split: str) -> np.ndarray:
        """Numbers, or class ids."""
        values = self.splits[split][self.label]
        if self.task == "regression":
            return values.to_numpy(np.float64)
        return pd.Index(self.classes).get_indexer(values)

    def score(self, predicted: np.ndarray) -> float:
        """AUC, accuracy or RMSE of the test split."""
        truth = self.target("test")
        if self.task == "regression":
            return float(np.sqrt(np.mean((truth - predicted) ** 2)))
        if self.task == "multiclass":
            return float(np.mean(predicted.argmax(axis=1) == truth))
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(truth, predicted[:, 1]))


@dataclasses.dataclass(frozen=True)
class Measured:
    """One training.

    Attributes:
      score: see `Rows.score`.
      train_seconds: CPU seconds of all threads, and of processes that were started.
      row_ms: wall milliseconds to answer one row, the median.
      row_us: wall microseconds of a row in a batch of the test split, up to 1,000.
    """

    score: float
    train_seconds: float
    row_ms: float
    row_us: float


def measured(
    rows: Rows, fit: Callable[[], Any], predict: Callable[[Any, slice], np.ndarray]
) -> Measured:
    """Trains, asks for all test rows, and measures both."""
    before = sum(os.times()[:4])
    model = fit()
    seconds = sum(os.times()[:4]) - before
    count = len(rows.splits["test"])
    score = rows.score(predict(model, slice(0, count)))
    batch = min(count, 1000)
    one = [_seconds(lambda: predict(model, slice(0, 1))) for _ in range(_ONE_ROW_CALLS)]
    many = min(_seconds(lambda: predict(model, slice(0, batch))) for _ in range(3))
    return Measured(score, seconds, 1e3 * float(np.median(one)), 1e6 * many / batch)


def _seconds(call: Callable[[], Any]) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def _estimator(rows: Rows, model: Any, *, categories: bool = True) -> Measured:
    test = rows.features("test", categories=categories)
    answer = model.predict if rows.task == "regression" else model.predict_proba
    return measured(
        rows,
        lambda: model.fit(rows.features("train", categories=categories), rows.target("train")),
        lambda _, which: answer(test.iloc[which]),
    )


def _prepare(rows: Rows) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = rows.features("train", categories=False)
    texts = [name for name in frame if frame[name].dtype == object]
    numbers = [name for name in frame if name not in texts]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts),
        sparse_threshold=0.0,
    )


def linear(rows: Rows, seed: int) -> Measured:
    """Logistic or ridge regression on standardised numbers and one-hot categories."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    regression = rows.task == "regression"
    model = Ridge() if regression else LogisticRegression(max_iter=1000)
    return _estimator(rows, make_pipeline(_prepare(rows), model), categories=False)


def hist_gradient_boosting(rows: Rows, seed: int) -> Measured:
    """scikit-learn's boosted trees."""
    from sklearn import ensemble

    kind = "Regressor" if rows.task == "regression" else "Classifier"
    make = getattr(ensemble, f"HistGradientBoosting{kind}")
    return _estimator(rows, make(categorical_features="from_dtype", random_state=seed))


def xgboost(rows: Rows, seed: int) -> Measured:
    """XGBoost."""
    import xgboost

    make = xgboost.XGBRegressor if rows.task == "regression" else xgboost.XGBClassifier
    return _estimator(rows, make(enable_categorical=True, random_state=seed))


def lightgbm(rows: Rows, seed: int) -> Measured:
    """LightGBM."""
    import lightgbm

    make = lightgbm.LGBMRegressor if rows.task == "regression" else lightgbm.LGBMClassifier
    return _estimator(rows, make(random_state=seed, verbose=-1))


def catboost(rows: Rows, seed: int) -> Measured:
    """CatBoost."""
    import catboost

    make = catboost.CatBoostRegressor if rows.task == "regression" else catboost.CatBoostClassifier
    train = rows.features("train", categories=False)
    texts = [name for name in train if train[name].dtype == object]
    model = make(random_seed=seed, verbose=0, cat_features=texts, allow_writing_files=False)
    return _estimator(rows, model, categories=False)


def mlp(rows: Rows, seed: int) -> Measured:
    """A Keras network as tutorials write it: two dense layers of 128, Adam, early stopping."""
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    prepare = _prepare(rows)
    features = {name: rows.features(name, categories=False) for name in ("train", "eval", "test")}
    targets = {name: rows.target(name).astype(np.float32) for name in ("train", "eval")}
    mean, std = 0.0, 1.0
    units, activation, loss = 1, "sigmoid", "binary_crossentropy"
    if rows.task == "regression":
        activation, loss = "linear", "mse"
        mean, std = targets["train"].mean(), targets["train"].std()
    elif rows.task == "multiclass":
        units, activation = len(rows.classes), "softmax"
        loss = "sparse_categorical_crossentropy"

    def fit() -> Any:
        dense = tf_keras.layers.Dense
        layers = [dense(128, "relu"), dense(128, "relu"), dense(units, activation)]
        model = tf_keras.Sequential(layers)
        model.compile("adam", loss)
        stop = tf_keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
        model.fit(
            prepare.fit_transform(features["train"]),
            (targets["train"] - mean) / std,
            validation_data=(
                prepare.transform(features["eval"]),
                (targets["eval"] - mean) / std,
            ),
            batch_size=128,
            epochs=100,
            callbacks=[stop],
            verbose=0,
        )
        return model

    def predict(model: Any, which: slice) -> np.ndarray:
        answer = model(prepare.transform(features["test"].iloc[which])).numpy()
        if rows.task == "regression":
            return answer[:, 0] * std + mean
        return np.hstack([1 - answer, answer]) if units == 1 else answer

    return measured(rows, fit, predict)


RIVALS: dict[str, Callable[[Rows, int], Measured]] = {
    "linear": linear,
    "MLP": mlp,
    "HistGradientBoosting": hist_gradient_boosting,
    "LightGBM": lightgbm,
    "XGBoost": xgboost,
    "CatBoost": catboost,
}
SEEDLESS = frozenset({"linear", "LightGBM", "XGBoost"})
"""Their defaults have no random part: one seed is enough."""


def ours(rows: Rows, train: Callable[[str], None], records: Sequence[bytes], seed: int) -> Measured:
    """The Trainer's `run_fn`, and its export.

    Args:
      rows: to score with.
      train: trains and exports to a folder.
      records: the test split as serialized tf.Examples.
      seed: of the training, which `train` knows.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        home = str(pathlib.Path(folder, str(seed)))
        names: list[Any] = []

        def fit() -> Any:
            train(home)
            return tf.saved_model.load(home).signatures["serving_default"]

        def predict(serve: Any, which: slice) -> np.ndarray:
            answer = serve(examples=tf.constant(records[which]))
            if rows.task == "regression":
                return answer["predictions"].numpy()
            if not names:
                names.extend(text.decode() for text in answer["classes"][0].numpy())
            order = [names.index(str(name)) for name in rows.classes]
            return answer["probabilities"].numpy()[:, order]

        return measured(rows, fit, predict)


os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
