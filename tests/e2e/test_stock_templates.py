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


@pytest.fixture(scope="module")
def penguin(tmp_path_factory) -> pathlib.Path:
    """The penguin template, whose own line for the cache is switched on."""
    project = templates.penguin(tmp_path_factory.mktemp("template") / "penguin")
    pipeline = project / "pipeline" / "pipeline.py"
    text = pipeline.read_text()
    assert "# enable_cache=True," in text
    pipeline.write_text(text.replace("# enable_cache=True,", "enable_cache=True,"))
    return templates.use_local_runner(project)


@pytest.fixture(scope="module")
def penguin_run(penguin) -> dict:
    return run(penguin)


def test_the_penguin_template_runs(penguin_run):
    assert set(states(penguin_run).values()) == {"complete"}
    assert penguin_run["blessed"]
    assert penguin_run["pushed_model"]


OTHERS = """
import pathlib
import local_runner
import tfx_pipeline
from tfx_pipeline.orchestrators.airflow.runner import AirflowRunner
from tfx_pipeline.orchestrators.kubeflow.runner import KubeflowRunner


def for_a_cluster(pipeline):
    image, file = "registry.example/penguin:1", pathlib.Path("penguin.yaml")
    return KubeflowRunner(pipeline, image=image, file=file, format="argo")


if __name__ == "__main__":
    for runner in (lambda pipeline: AirflowRunner(pipeline, output="dags"), for_a_cluster):
        tfx_pipeline.LocalRunner = runner
        local_runner.run()
"""


def test_the_penguin_template_by_the_commands_of_a_dag_and_of_a_cluster(penguin, penguin_run):
    """The commands run here; what has not changed since the local run comes from the cache."""
    (penguin / "others.py").write_text(OTHERS)
    imports = {**environment(), "PYTHONPROFILEIMPORTTIME": "1"}  # lists them on standard error
    call = {"cwd": penguin, "env": imports, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "others.py"], **call)
    assert done.returncode == 0, done.stderr[-3000:]
    folder = penguin / "dags" / "my_penguin"
    plan = manifest.read(folder / "manifest.json")
    values = {"pipeline": str(folder / plan.ir), "run_id": "dag"}
    of_dag = [[part.format(**values) for part in node.command] for node in plan.nodes]
    workflow = yaml.safe_load((penguin / "penguin.yaml").read_text())
    pods = [t["container"] for t in workflow["spec"]["templates"] if "container" in t]
    of_pods = [
        [part.replace("{{workflow.uid}}", "pods") for part in [*pod["command"], *pod["args"]]]
        for pod in pods
    ]
    of_nodes = [command for command in of_pods if "--node" in command]
    assert len(of_nodes) == len(plan.nodes) == len(penguin_run["nodes"])
    for commands in (of_dag, of_nodes):
        said = ""
        for command in commands:
            done = subprocess.run([sys.executable, *command[1:]], **call)
            assert done.returncode == 0, done.stderr[-3000:]
            tensorflow = "tensorflow.python.framework.ops" in done.stderr
            assert not (tensorflow and ": cached" in done.stderr), "a cached node needs none of it"
            said += done.stderr
        assert "Trainer: cached" in said
        assert "Pusher: " in said


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
from tfx_pipeline import LocalRunner, tfx

examples = tfx.components.CsvExampleGen(input_base="data")
statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
transform = tfx.components.Transform(
    examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file="scale.py"
)
nodes = [examples, statistics, schema, transform]
run = LocalRunner(tfx.dsl.Pipeline("iris", "out/iris/iris", components=nodes)).run()
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
