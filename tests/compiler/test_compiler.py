"""The compiled pipeline. To refresh the golden files, run this file with `--golden`."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from google.protobuf import text_format

from tfx_pipeline import load_config
from tfx_pipeline.compiler import standard_pipeline
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.orchestrators.local.dag_scheduler import Schedule

pytestmark = pytest.mark.tensorflow

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "tests" / "golden"
PROGRAM = """
import sys, pathlib
from tfx_pipeline import compile_pipeline, load_config
compile_pipeline(load_config(sys.argv[1])).write(pathlib.Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The bundled pipeline, compiled twice in processes with different hash seeds."""
    folders = [tmp_path_factory.mktemp(f"seed{seed}") for seed in (1, 2)]
    for seed, folder in enumerate(folders):
        command = [sys.executable, "-c", PROGRAM, str(REPOSITORY / "pipeline.yaml"), str(folder)]
        env = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(REPOSITORY)}
        subprocess.run(command, env=env, check=True, cwd=folder)
    return folders


def test_equal_configurations_give_equal_bytes(compiled):
    one, two = compiled
    for name in ("pipeline.pb", "manifest.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_manifest_is_the_golden_one(compiled, golden):
    text = without_paths((compiled[0] / "manifest.json").read_text())
    text = re.sub(r'"tfx": "[^"]+"', '"tfx": "1.16.0"', text)  # whichever line is installed
    lines = [line for line in text.splitlines() if '"ir_sha256"' not in line]
    golden(GOLDEN / "manifest.json", "\n".join(lines) + "\n")


def test_ir_is_the_golden_one(compiled, golden):
    golden(GOLDEN / "pipeline.pbtxt", without_paths(ir_text(compiled[0] / "pipeline.pb")))


def test_edges_of_manifest_and_ir_are_the_same(compiled):
    from tfx_pipeline.ir import pipeline_ir

    manifest = Manifest.model_validate_json((compiled[0] / "manifest.json").read_text())
    pipeline = pipeline_ir.read(compiled[0] / "pipeline.pb")
    of_ir = {n.node_info.id: set(n.upstream_nodes) for n in pipeline_ir.nodes(pipeline)}
    assert {n.id: set(n.upstream) for n in manifest.nodes} == of_ir


def test_gates_stand_before_what_they_guard(compiled):
    manifest = Manifest.model_validate_json((compiled[0] / "manifest.json").read_text())
    upstream = {node.id: set(node.upstream) for node in manifest.nodes}
    assert "DataGate" in upstream["Transform"]
    assert "BaselineResolver" in upstream["Evaluator"]
    assert {"Evaluator", "ExportCheck"} <= upstream["Pusher"]


def test_export_check_and_evaluator_run_side_by_side(compiled):
    """The quick node on the way to the Evaluator starts first, then the export check."""
    manifest = Manifest.model_validate_json((compiled[0] / "manifest.json").read_text())
    schedule = Schedule({node.id: node.upstream for node in manifest.nodes})
    before = manifest.node_ids[: manifest.node_ids.index("Trainer") + 1]
    for node in before:
        schedule.start(node)
        schedule.finish(node, ended_well=True)
    assert schedule.ready() == ["BaselineResolver", "ExportCheck"]
    for node in schedule.ready():
        schedule.start(node)
    schedule.finish("BaselineResolver", ended_well=True)
    assert schedule.ready() == ["Evaluator"]


def test_a_pusher_needs_both_blessings(compiled):
    from tfx_pipeline.ir import pipeline_ir

    inputs = pipeline_ir.find_node(
        pipeline_ir.read(compiled[0] / "pipeline.pb"), "Pusher"
    ).inputs.inputs
    assert inputs["model_blessing"].min_count == 1
    assert inputs["infra_blessing"].min_count == 1


def test_runtime_parameters_have_the_configured_defaults(compiled):
    manifest = Manifest.model_validate_json((compiled[0] / "manifest.json").read_text())
    training = load_config(REPOSITORY / "pipeline.yaml").training
    found = {name: parameter.default for name, parameter in manifest.parameters.items()}
    assert found["steps"] == training.steps
    assert found["learning_rate"] == training.learning_rate
    assert found["batch_size"] == training.batch_size
    assert found["data_path"].endswith("data/taxi")


def without_paths(text):
    return text.replace(str(REPOSITORY), "/project")


def ir_text(path):
    """The IR as text, with what is packed inside it shown."""
    from tfx_pipeline.ir import pipeline_ir

    pipeline = pipeline_ir.read(path)
    deployment = pipeline_ir.deployment(pipeline)
    pipeline.ClearField("deployment_config")
    parts = [text_format.MessageToString(pipeline), "# deployment\n"]
    for kind in ("executor_specs", "custom_driver_specs"):
        for node, packed in sorted(getattr(deployment, kind).items()):
            parts.append(f"# {kind} {node}: {packed.type_url.rpartition('.')[2]}\n")
    return "".join(parts)


def test_a_split_by_time_knows_format_and_zone(shop):
    columns = "columns={at: {type: datetime, format: '%d/%m/%Y', zone: Asia/Tokyo}}"
    config = load_config(shop, [columns, "data.split={time: at}"])
    assert standard_pipeline.split_rule(config) == {
        "kind": "time",
        "column": "at",
        "format": "%d/%m/%Y",
        "zone": "Asia/Tokyo",
    }


def _tuned(*overrides):
    config = load_config(str(REPOSITORY / "pipeline.yaml"), overrides)
    pipeline = standard_pipeline.create_pipeline(config)
    return {node.id: node for node in pipeline.components}


def test_a_tuner_gives_its_values_to_the_trainer():
    nodes = _tuned("tuning={trials: 3, space: {learning_rate: [0.001, 0.01], width: [8, 16]}}")
    tuner, trainer = nodes["Tuner"], nodes["Trainer"]
    assert trainer.inputs["hyperparameters"] is tuner.outputs["best_hyperparameters"]
    # A default of the configuration would come before what the Tuner finds.
    defaults = {k: trainer.exec_properties[k].default for k in ("learning_rate", "batch_size")}
    assert defaults == {"learning_rate": 0.0, "batch_size": 256}
    training = json.loads(tuner.exec_properties["custom_config"])["training"]
    assert (training["learning_rate"], training["steps"]) == (None, 1000)
    fixed = json.loads(tuner.exec_properties["tuning"])["fixed"]
    assert {"width", "depth", "dropout", "batch_size"} <= set(fixed)
    assert "weight_decay" not in fixed


def test_without_tuning_there_is_no_tuner():
    nodes = _tuned()
    assert "Tuner" not in nodes
    assert "hyperparameters" not in nodes["Trainer"].inputs


def test_a_tuner_fn_is_called_by_tfx():
    from tfx.components.tuner import executor

    tuner = _tuned("tuning={tuner_fn: tests.components.user_functions.run_fn}")["Tuner"]
    assert tuner.executor_spec.executor_class is executor.Executor
    assert tuner.exec_properties["tuner_fn"] == "tests.components.user_functions.run_fn"
