"""TFX's own templates, with the import and the call of the runner changed."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

from benchmarks.stock import templates
from tests.own_pipelines import CONDITION
from tests.projects import environment
from tfx_pipeline.ir import manifest

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
    project = templates.use_local_runner(templates.taxi(tmp_path / "taxi"), "cache=True")
    first, second = run(project), run(project)
    assert set(states(first).values()) == {"complete"}
    assert pathlib.Path(project, first["pushed_model"], "saved_model.pb").exists()
    # The first model is a baseline of the second run, so that the Evaluator may run again.
    kept = {k: v for k, v in states(second).items() if k not in ("Evaluator", "Pusher")}
    assert kept.pop("latest_blessed_model_resolver") == "complete"
    assert set(kept.values()) == {"cached"}, second["nodes"]


def test_the_penguin_template_runs(tmp_path):
    result = run(templates.use_local_runner(templates.penguin(tmp_path / "penguin")))
    assert set(states(result).values()) == {"complete"}
    assert result["blessed"]
    assert result["pushed_model"]


OWN = f"""{CONDITION}
import sys
import tfx_pipeline

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


OTHERS = """
import pathlib
import flow
from tfx_pipeline.orchestrators.airflow.runner import AirflowRunner
from tfx_pipeline.orchestrators.kubeflow.runner import KubeflowRunner

if __name__ == "__main__":
    AirflowRunner(flow.pipeline(3), output="dags").run()
    file = pathlib.Path("flow.yaml")
    image = "registry.example/flow:1"
    KubeflowRunner(flow.pipeline(3), image=image, file=file, format="argo").run()
"""


def test_the_same_pipeline_as_a_dag_and_for_a_cluster(tmp_path):
    """And the commands of the DAG's manifest run it."""
    project = tmp_path / "own"
    project.mkdir()
    (project / "flow.py").write_text(OWN)
    (project / "others.py").write_text(OTHERS)
    call = {"cwd": project, "env": environment(), "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "others.py"], **call)
    assert done.returncode == 0, done.stderr[-3000:]
    workflow = yaml.safe_load((project / "flow.yaml").read_text())
    tasks = [t for t in workflow["spec"]["templates"] if "container" in t]
    assert len(tasks) >= 3
    plan = manifest.read(project / "dags" / "My_Flow" / "manifest.json")
    for node in plan.nodes:
        values = {"pipeline": f"dags/My_Flow/{plan.ir}", "run_id": "r1"}
        command = [part.format(**values) for part in node.command]
        done = subprocess.run([sys.executable, *command[1:]], **call)
        assert done.returncode == 0, done.stderr[-3000:]
    assert "Print: complete" in done.stderr


def test_only_the_import_of_the_components_is_changed(tmp_path):
    """The same pipeline with this project's components makes the same artifacts."""
    project = templates.use_local_runner(templates.penguin(tmp_path / "penguin"))
    templates.use_components(project)
    result = run(project)
    assert set(states(result).values()) == {"complete"}
    assert result["pushed_model"]
    outputs = {name: node["outputs"] for name, node in result["nodes"].items()}
    files = {
        "examples": outputs["CsvExampleGen"]["examples"][0] + "/Split-*/*.gz",
        "statistics": outputs["StatisticsGen"]["statistics"][0] + "/Split-*/FeatureStats.pb",
        "schema": outputs["SchemaGen"]["schema"][0] + "/schema.pbtxt",
        "statistics after": outputs["Transform"]["post_transform_stats"][0] + "/FeatureStats.pb",
        "metrics": outputs["Evaluator"]["evaluation"][0] + "/metrics*",
        "model": outputs["Pusher"]["pushed_model"][0] + "/saved_model.pb",
    }
    assert {key for key, pattern in files.items() if not list(project.glob(pattern))} == set()


MODULE_FILE = """
from tfx import v1 as tfx
import tfx_pipeline

examples = tfx.components.CsvExampleGen(input_base="data")
statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
transform = tfx.components.Transform(
    examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file="scale.py"
)
nodes = [examples, statistics, schema, transform]
run = tfx_pipeline.LocalRunner(tfx.dsl.Pipeline("iris", "out/iris/iris", components=nodes)).run()
assert run.state == "complete", run
"""

SCALE = """
import tensorflow_transform as tft

def preprocessing_fn(inputs):
    return {name: tft.scale_to_z_score(inputs[name]) for name in inputs if name != "species"}
"""


def test_a_module_file(tmp_path):
    """TFX packs it into a wheel, and installs that in the node, with pip."""
    project = templates.penguin(tmp_path / "penguin")
    (project / "flow.py").write_text(MODULE_FILE)
    (project / "scale.py").write_text(SCALE)
    assert states(run(project, "flow.py"))["Transform"] == "complete"
