"""`init`, `run` and a served prediction on public tables, with no edit in between."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.profiling.tables import TABLES
from tests.programs import free_port
from tests.projects import environment

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

_WAIT = 120


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tfx_pipeline", *map(str, arguments)]


def done(folder, *arguments: str) -> str:
    result = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("name", ["cars", "elections", "chicks"])
def test_from_a_table_to_a_served_prediction(name, tmp_path):
    table = TABLES[name]
    file = table.write(tmp_path / f"{name}.csv")
    project = tmp_path / "project"
    done(tmp_path, "init", file, "--label", table.label, "--output", project)
    run = json.loads(done(project, "run", "--json", "--set", "training.steps=100"))
    assert run["blessed"]
    rows = table.load().drop(columns=table.label).head(5)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    port = free_port()
    base = project / "build" / "serving" / name
    server = subprocess.Popen(
        command("serve", "--model-name", name, "--model-base-path", base, "--port", port,
                "--rest-api-port", free_port()),
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        predict = command("predict", "--target", f"localhost:{port}", "--model", name,
                          tmp_path / "rows.csv")  # fmt: skip
        end = time.monotonic() + _WAIT
        while True:
            answer = subprocess.run(predict, capture_output=True, text=True, check=False)
            if answer.returncode == 0 or time.monotonic() > end:
                break
        assert answer.returncode == 0, answer.stderr
        assert len(answer.stdout.strip().splitlines()) >= 5
    finally:
        server.terminate()
        server.wait()
