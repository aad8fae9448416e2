"""TFX's penguin example: spans, resolvers, a condition, and the components of no template."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from benchmarks.stock import templates
from tests.projects import environment

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

FLOW = """
import sys
from tfx_pipeline import LocalRunner, tfx
import penguin_pipeline_local as example

tuning = sys.argv[1] == "tuning"
spans = tfx.proto.Input(splits=[tfx.proto.Input.Split(name="input", pattern="day{SPAN}/*")])
pipeline = example.create_pipeline(
    pipeline_name="penguin",
    pipeline_root="out",
    data_root="data",
    module_file="penguin_utils_keras.py",
    accuracy_threshold=0.5,
    serving_model_dir="served",
    metadata_path="metadata/metadata.db",
    user_provided_schema_path=None,
    enable_tuning=tuning,
    enable_bulk_inferrer=not tuning,
    enable_example_diff=not tuning,
    examplegen_input_config=spans,
    examplegen_range_config_date=sys.argv[2],
    resolver_range_config=tfx.proto.RangeConfig(
        rolling_range=tfx.proto.RollingRange(num_spans=2)
    ),
    beam_pipeline_args=[],
    enable_transform_input_cache=True,
)
print(LocalRunner(pipeline).run().to_json())
"""


def _run(project: pathlib.Path, components: str, date: str, legacy_keras: bool) -> dict:
    done = subprocess.run(
        [sys.executable, "flow.py", components, date],
        cwd=project,
        env={**environment(), "TF_USE_LEGACY_KERAS": str(int(legacy_keras))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_every_node_runs_and_a_resolver_may_find_nothing(tmp_path):
    """BulkInferrer's graph session cannot load a model of Keras 3, so Keras 2 is used.

    KerasTuner works with Keras 3 only, so it is another run, on the data of the next day.
    Its model may be worse than the first: whether it is blessed depends on how both were trained.
    """
    project = templates.penguin_example(tmp_path)
    (project / "flow.py").write_text(FLOW)
    first = _run(project, "inference", "20220102", legacy_keras=True)
    assert {node["state"] for node in first["nodes"].values()} == {"complete"}
    assert first["nodes"]["transform_cache_resolver"]["note"] == "it found no artifacts"
    assert os.listdir(project / "served")
    results = first["nodes"]["BulkInferrer"]["outputs"]["inference_result"]
    assert list(pathlib.Path(project, results[0]).glob("*.gz"))

    second = _run(project, "tuning", "20220103", legacy_keras=False)
    evaluator, pusher = (second["nodes"].pop(name) for name in ("Evaluator", "Pusher"))
    assert {node["state"] for node in second["nodes"].values()} == {"complete"}
    _check_verdict(evaluator, pusher)
    assert second["nodes"]["transform_cache_resolver"]["note"] is None
    assert len(second["nodes"]["span_resolver"]["outputs"]["examples"]) == 2
    assert second["nodes"]["Tuner"]["outputs"]["best_hyperparameters"]


def _check_verdict(evaluator: dict, pusher: dict) -> None:
    """The second model is pushed if it meets both thresholds; else the report says which not."""
    if evaluator["state"] == "complete":
        assert pusher["state"] == "complete"
        return
    assert (evaluator["state"], pusher["state"]) == ("failed", "skipped")
    assert evaluator["findings"]
    for finding in evaluator["findings"]:
        assert finding["subject"] == "sparse_categorical_accuracy"
        numbers = [float(n) for n in re.findall(r"\d+\.?\d*", finding["found"])]
        if finding["rule"] == "min 0.5":
            numbers.append(0.5)
        else:
            assert finding["rule"] == "not worse than the baseline by 1e-10"
        accuracy, limit = numbers
        assert accuracy < limit
