"""Writes benchmarks/QUALITY.md from what `public_quality` measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.public_quality import CONTESTANTS, OURS, TRIALS, TUNED
from benchmarks.quality_tables import TABLES

_METRICS = {"binary": "AUC", "multiclass": "accuracy", "regression": "RMSE"}
_BEHIND = {"binary": 0.005, "multiclass": 0.007, "regression": 0.03}
"""How much worse than HistGradientBoosting `standard` may be; of RMSE a share."""
_REFERENCE = "HistGradientBoosting"
_TREES = (_REFERENCE, "LightGBM", "XGBoost", "CatBoost")

_HEAD = """# Quality on public tables

`python -m benchmarks quality` writes this page. All tables lie in Python packages. Each went
through `tfx-pipeline init` and a run with no edit in between. All models are trained on the same
60 % of the rows and scored on the same 20 %. Ours and the MLP use the other 20 % for early
stopping; the others have their libraries' defaults and do not use them. Ours is trained by the
Trainer's `run_fn` and asked through the exported SavedModel. A cell is the mean of the seeds and,
where there are several, the standard deviation. A model without a random part has one seed.
"""


def page(results: pd.DataFrame, note: str = "") -> str:
    """The page.

    Args:
      results: of `public_quality.read`.
      note: how it was measured.
    """
    models = [name for name in CONTESTANTS if name in set(results.model)]
    tables = [name for name in TABLES if name in set(results.table)]
    means = results.groupby(["table", "model"]).score.mean().unstack()
    parts = [_HEAD, *_state(results, models, tables, note)]
    parts += ["", "## Scores", "", *_scores(results, tables, models)]
    ranks = _mean_ranks(means.loc[tables])
    row = " | ".join(f"**{ranks[name]:.2f}**" if name in ranks else "" for name in models)
    parts.append(f"| mean rank of {len(tables)} tables | | | {row} |")
    if _REFERENCE in models:
        parts += ["", "## Beside HistGradientBoosting with defaults", "", *_behind(means, tables)]
    if OURS["best"] in models:
        parts += ["", *_best(means)]
    if TUNED in models:
        parts += ["", "## Tuned", "", *_tuned(means, tables)]
    parts += ["", "## Time", "", *_times(results, models)]
    return "\n".join(parts) + "\n"


def _state(
    results: pd.DataFrame, models: Sequence[str], tables: Sequence[str], note: str
) -> list[str]:
    """What was measured how often, and what is missing."""
    seeds = results.groupby(["model", "table"]).seed.nunique()
    lines, incomplete = [f"**State of this page.** {note}".rstrip(), ""], []
    for model in models:
        of_model = seeds[model].reindex(tables).dropna().astype(int)
        missing = [f"`{name}`" for name in tables if name not in of_model]
        least, most = of_model.min(), of_model.max()
        count = f"{least}" if least == most else f"{least} to {most}"
        line = f"- {model}: {count} {'seed' if most == 1 else 'seeds'} on {len(of_model)} tables"
        lines.append(f"{line}, not measured: {', '.join(missing)}" if missing else line)
        incomplete += [model] if missing else []
    left_out = [f"`{name}`" for name in TABLES if name not in tables]
    if left_out:
        lines += ["", f"No model was measured on {', '.join(left_out)}."]
    if incomplete:
        lines += ["", "A model that was not measured on all tables has no mean rank."]
    lines += ["", "The command measures what is missing and writes the page anew."]
    return lines


def _ahead(task: str, score: float, other: float) -> float:
    """How much better a score is than another one; of RMSE a share."""
    return (other - score) / other if task == "regression" else score - other


def _difference(task: str, ahead: float) -> str:
    return f"{100 * ahead:+.1f} %" if task == "regression" else f"{ahead:+.4f}"


def _mean_ranks(means: pd.DataFrame) -> pd.Series:
    """By model, 1 is the best; only of the models that were measured on all tables."""
    # Ranks are ascending: of a score of which more is better, the negative is ranked.
    signs = {name: np.sign(_ahead(TABLES[name].task, 1.0, 2.0)) for name in means.index}
    return means.dropna(axis=1).mul(pd.Series(signs), axis=0).rank(axis=1).mean()


def _scores(results: pd.DataFrame, tables: Sequence[str], models: Sequence[str]) -> list[str]:
    lines = [_row(["table", "metric", "source", *models]), _row(["---"] * (3 + len(models)))]
    for name in tables:
        table = TABLES[name]
        cells = []
        for model in models:
            found = results[(results.table == name) & (results.model == model)].score
            cells.append(_score(found, table.task))
        lines.append(_row([name, _METRICS[table.task], table.source, *cells]))
    return lines


def _score(values: pd.Series, task: str) -> str:
    if values.empty:
        return ""
    shown = "{:.4g}".format if task == "regression" else "{:.4f}".format
    spread = f" ± {shown(values.std())}" if len(values) > 1 else ""
    return shown(values.mean()) + spread


def _behind(means: pd.DataFrame, tables: Sequence[str]) -> list[str]:
    lines = [_row(["table", "`standard` ahead (+) or behind (-)", "at least", ""])]
    lines.append(_row(["---"] * 4))
    for name in tables:
        task, scores = TABLES[name].task, means.loc[name]
        ours, theirs = scores.get(OURS["standard"]), scores.get(_REFERENCE)
        if pd.isna(ours) or pd.isna(theirs):
            continue
        ahead, allowed = _ahead(task, ours, theirs), _BEHIND[task]
        verdict = "" if ahead >= -allowed else "**not reached**"
        cells = [_difference(task, ahead), _difference(task, -allowed), verdict]
        lines.append(_row([name, *cells]))
    return lines


def _best(means: pd.DataFrame) -> list[str]:
    """`best` beside each library of boosted trees, on the tables where both were measured."""
    lines = [
        "## `best` beside boosted trees",
        "",
        _row(["library", "tables", "`best` is ahead on"]),
    ]
    lines.append(_row(["---"] * 3))
    for name in _TREES:
        if name not in means:
            continue
        both = means[[OURS["best"], name]].dropna()
        better = [_ahead(TABLES[table].task, *scores) > 0 for table, *scores in both.itertuples()]
        lines.append(_row([name, str(len(both)), str(sum(better))]))
    return lines


def _tuned(means: pd.DataFrame, tables: Sequence[str]) -> list[str]:
    """What the search adds to `standard`, on the test split that neither has seen."""
    lines = [_row(["table", "`tuned` against `standard`"]), _row(["---"] * 2)]
    better = count = 0
    for name in tables:
        task, scores = TABLES[name].task, means.loc[name]
        tuned, standard = scores.get(TUNED), scores.get(OURS["standard"])
        if pd.isna(tuned) or pd.isna(standard):
            continue
        ahead = _ahead(task, tuned, standard)
        lines.append(_row([name, _difference(task, ahead)]))
        better, count = better + (ahead > 0), count + 1
    return [
        *lines,
        "",
        f"Better on {better} of {count} tables. Each had one search with {TRIALS} trials; the",
        "values that it chose are trained with all seeds.",
    ]


def _times(results: pd.DataFrame, models: Sequence[str]) -> list[str]:
    lines = [
        "Medians over the tables: CPU seconds of all threads to train; wall time to answer, in one",
        "Python process. Ours reads serialized tf.Examples: preprocessing and export are in its",
        "times, while the others get prepared numbers or a pandas frame.",
        "",
        _row(["model", "train, CPU-s", "the longest", "one row, ms", "a row of 1,000, µs"]),
        _row(["---"] * 5),
    ]
    for name in models:
        found = results[results.model == name]
        groups = found.groupby("table")[["train_seconds", "row_ms", "row_us"]]
        # Only the first seed of a tuned model has the search in its time.
        by_table = groups.max() if name == TUNED else groups.mean()
        medians, longest = by_table.median(), found.train_seconds.max()
        cells = [f"{medians.train_seconds:.1f}", f"{longest:.0f}", f"{medians.row_ms:.1f}"]
        lines.append(_row([name, *cells, f"{medians.row_us:.0f}"]))
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
