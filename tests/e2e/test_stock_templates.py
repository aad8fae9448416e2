"""TFX's own templates, with the import and the call of the runner changed."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.e2e import templates
from tests.projects import environment

pytestmark = pytest.mark.e2e


def run(project: pathlib.Path, *script: str) -> dict:
    """Runs the script and returns run.json of its run."""
    command = [sys.executable, *(script or ["local_runner.py"])]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    runs = [*project.glob("*/*/runs/*/run.json"), *project.glob("*/*/*/runs/*/run.json")]
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(max(runs, key=os.path.getmtime).read_text())


def states(result: dict) -> dict[str, str]:
    return {name: node["state"] for name, node in result["nodes"].items()}


def test_the_taxi_template_pushes_a_model_and_its_second_run_is_cached(tmp_path):
    project = templates.taxi(tmp_path / "taxi")
    runner = project / "local_runner.py"
    runner.write_text(
        runner.read_text().replace("(METADATA_PATH))).", "(METADATA_PATH)), cache=True).")
    )
    first, second = run(project), run(project)
    assert set(states(first).values()) == {"complete"}
    assert pathlib.Path(project, first["pushed_model"], "saved_model.pb").exists()
    # The first model is a baseline of the second run, so that the Evaluator may run again.
    kept = {k: v for k, v in states(second).items() if k not in ("Evaluator", "Pusher")}
    assert kept.pop("latest_blessed_model_resolver") == "complete"
    assert set(kept.values()) == {"cached"}, second["nodes"]


def test_the_penguin_template_runs(tmp_path):
    result = run(templates.penguin(tmp_path / "penguin"))
    assert set(states(result).values()) == {"complete"}
    assert result["blessed"]
    assert result["pushed_model"]


OWN = """
import sys
import tfx_pipeline
from tfx import v1 as tfx
from tfx.dsl.component.experimental.decorators import component

Integer, String = tfx.types.standard_artifacts.Integer, tfx.types.standard_artifacts.String
In, Out = tfx.dsl.components.InputArtifact, tfx.dsl.components.OutputArtifact


@component
def Number(value: tfx.dsl.components.Parameter[int], number: Out[Integer]):
    number.value = value


@component
def Text(number: In[Integer], text: Out[String]):
    text.value = str(number.value)


@component
def Print(text: In[String]):
    print(text.value)


def pipeline(limit):
    number = Number(value=5)
    with tfx.dsl.Cond(number.outputs["number"].future()[0].value > limit):
        text = Text(number=number.outputs["number"])
    nodes = [number, text, Print(text=text.outputs["text"])]
    return tfx.dsl.Pipeline("My_Flow", "out/pipes", components=nodes, enable_cache=True)


if __name__ == "__main__":
    run = tfx_pipeline.LocalRunner(pipeline(int(sys.argv[1]))).run()
    assert run.state == "complete", run
"""


def test_a_condition_and_components_of_the_started_script(tmp_path):
    """The module of such components is `__main__` in the script, and in no node."""
    project = tmp_path / "own"
    project.mkdir()
    (project / "flow.py").write_text(OWN)
    found = [run(project, "flow.py", limit) for limit in ("3", "9")]
    assert states(found[0]) == {"Number": "complete", "Text": "complete", "Print": "complete"}
    assert states(found[1]) == {"Number": "cached", "Text": "skipped", "Print": "skipped"}
    assert found[1]["nodes"]["Text"]["note"] == "its condition is false"
    assert found[1]["nodes"]["Print"]["note"] == "its upstream node Text was skipped"
