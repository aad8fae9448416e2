"""The page of `python -m benchmarks quality`: who is the best, by scores of both directions."""

from __future__ import annotations

import pandas as pd

from benchmarks import quality_page

COLUMNS = ("table", "model", "seed", "score", "train_seconds", "row_ms", "row_us")
MODELS = {"ours, standard": (0.9, 500.0), "ours, best": (0.8, 510.0)}
MODELS |= {"HistGradientBoosting": (0.7, 550.0), "linear": (0.6, 900.0)}


def test_the_best_model_has_rank_one_whatever_the_direction():
    rows = [
        (table, model, 1, score, 1.0, 1.0, 1.0)
        for model, scores in MODELS.items()
        for table, score in zip(("churn", "diamonds"), scores, strict=True)
    ]
    page = quality_page.page(pd.DataFrame(rows, columns=COLUMNS))
    (ranks,) = [line for line in page.splitlines() if line.startswith("| mean rank")]
    assert ranks == "| mean rank of 2 tables | | | **1.00** | **2.00** | **4.00** | **3.00** |"
    assert "| churn | +0.2000 | -0.0050 |  |" in page
    assert "| diamonds | +9.1 % | -3.0 % |  |" in page
    assert "| HistGradientBoosting | 2 | 2 |" in page


def test_tuned_is_beside_standard_and_its_time_has_the_search():
    """Its later seeds use the values that the first one has searched."""
    rows = [
        ("churn", "ours, standard", 1, 0.90, 10.0, 1.0, 1.0),
        ("churn", "ours, standard", 2, 0.92, 10.0, 1.0, 1.0),
        ("churn", "ours, tuned", 1, 0.91, 300.0, 1.0, 1.0),
        ("churn", "ours, tuned", 2, 0.93, 12.0, 1.0, 1.0),
    ]
    page = quality_page.page(pd.DataFrame(rows, columns=COLUMNS))
    assert "| churn | +0.0100 |" in page
    assert "Better on 1 of 1 tables." in page
    assert "| ours, tuned | 300.0 | 300 | 1.0 | 1 |" in page
