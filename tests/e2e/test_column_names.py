"""A table whose columns have every kind of name, from raw rows to a served model."""

from __future__ import annotations

import csv
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.projects import REPOSITORY, environment
from tests.serving.harness import RawClient
from tfx_pipeline.serving import Client, LocalServer

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

TEXTS = [
    "性別", "Größe", "x.y", "a_b", "length [cm]", "Class", "self", "probabilities", 'say "hi"',
    "🙂", "km/", "lambda", "x/log", "column_x", "label_classes", "a,b", "true",
]  # fmt: skip
NUMBERS = [
    "x y", "a b", "length (cm)", "class", "examples", "inputs", "classes", "it's", "a/b", "/km",
    "None", "rate [/s]", "temp [c]", "x", "x_missing", "features", "%s {x}", " lead", "1",
]  # fmt: skip
LABEL = "bought [/b]?"
CONFIG = {
    "name": "names",
    "root": "build",
    "data": {"path": "rows.csv"},
    "label": {"name": LABEL, "task": "binary"},
    "features": {
        **{name: {"transform": "vocabulary", "indicator": True} for name in TEXTS},
        **{name: {"transform": "log", "indicator": True} for name in NUMBERS},
    },
    "training": {"steps": 100, "batch_size": 32, "eval_every": 50},
    "evaluation": {
        "metrics": ["auc"],
        "thresholds": {"auc": {"min": 0.0}},
        "slices": [["Class"], ["class", "x.y"]],
    },
}


def _rows() -> list[dict[str, str]]:
    """Rows with one missing value each, so that every column may be missing."""
    rng = np.random.default_rng(3)
    rows = []
    for number in range(400):
        row = {name: "abc"[rng.integers(3)] for name in TEXTS}
        row |= {name: str(round(float(rng.normal()), 3)) for name in NUMBERS}
        row[LABEL] = "yes" if row["性別"] == "a" or float(row["x y"]) > 1 else "no"
        row[[*TEXTS, *NUMBERS][number % (len(TEXTS) + len(NUMBERS))]] = ""
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("names")
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*TEXTS, LABEL, *NUMBERS])
        writer.writeheader()
        writer.writerows(_rows())
    text = json.dumps(CONFIG, ensure_ascii=False)
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    return folder


def _run(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment(), "COLUMNS": "250"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def pushed(folder):
    done = _run(folder, str(REPOSITORY / "runners" / "local_runner.py"), "--run-id", "first")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def server(pushed, folder):
    with LocalServer(folder=folder) as running:
        yield running


def _sent() -> list[dict]:
    """Rows as clients send them: a missing number is NaN."""
    return [
        {n: row[n] for n in TEXTS} | {n: float(row[n] or "nan") for n in NUMBERS}
        for row in _rows()[:20]
    ]


def test_the_run_shows_all_names(pushed, folder):
    shown = _run(folder, "-m", "tfx_pipeline", "show", "first")
    assert shown.returncode == 0, shown.stderr
    assert "Pushed: build/serving/names/" in pushed.stdout


def test_check_prints_all_names(folder):
    checked = _run(folder, "-m", "tfx_pipeline", "check")
    assert checked.returncode == 0, checked.stderr
    for name in ("temp [c]", "rate [/s]", "性別"):
        assert name in checked.stdout


def test_rest_and_grpc_answer_rows_by_their_raw_names(server):
    rows = _sent()
    document = {"signature_name": "columns", "instances": rows}
    status, answer = RawClient(server).post("/v1/models/names:predict", document)
    assert status == 200, answer
    by_rest = [prediction["probabilities"] for prediction in answer["predictions"]]
    for target in (server.grpc, server.rest):
        with Client(target, "names") as client:
            found = client.predict(rows)["probabilities"]
        assert found == pytest.approx(np.array(by_rest), abs=1e-6)
    assert np.ptp(by_rest) > 0.01, "the answers depend on the rows"


def test_predictions_for_a_file(server, folder):
    done = _run(
        folder, "-m", "tfx_pipeline", "predict", "--target", server.grpc, "rows.csv"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 401


def test_all_problems_that_transform_finds_are_in_the_table(pushed, folder):
    wrong = ["features.x={transform: integer}", "features.x y={transform: vocabulary}"]
    options = [part for text in wrong for part in ("--set", text)]
    runner = str(REPOSITORY / "runners" / "local_runner.py")
    done = _run(folder, runner, *options, "--to", "Transform")
    assert done.returncode == 1, done.stderr
    assert "Transform: the configuration has 2 problems" in done.stdout
    assert "features.x y" in done.stdout
    assert done.stdout.count("does not fit a column of type FLOAT") == 2
