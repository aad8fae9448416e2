"""A model that cannot be served never replaces one that can, nor is one compared with it.

One project has four runs: a good model, two that cannot be served, and the next good one.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from tests.projects import Project, Result, environment

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

# Keras 3 keeps its variables where a SavedModel's graph does not find them. The
# model is trained in a process of its own, because this one has Keras 2.
KERAS_3_TRAINER = '''
import os, subprocess, sys

PROGRAM = """
import sys
import tensorflow as tf

assert tf.keras.__version__.startswith("3.")
model = tf.keras.Sequential([tf.keras.layers.Input((1,)), tf.keras.layers.Dense(1)])
holder = tf.Module()
hidden = [model]  # not tracked as a SavedModel needs it

@tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
def serve(examples):
    miles = tf.io.parse_example(
        examples, {"trip_miles": tf.io.FixedLenFeature([], tf.float32, 0.0)}
    )["trip_miles"]
    yes = tf.sigmoid(model(miles[:, None]))
    return {"probabilities": tf.concat([1 - yes, yes], axis=1)}

model.serve = serve
tf.saved_model.save(model, sys.argv[1], signatures={"serving_default": serve})
"""


def run_fn(fn_args):
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "0"}
    command = [sys.executable, "-c", PROGRAM, fn_args.serving_model_dir]
    subprocess.run(command, env=environment, check=True)
'''


# It answers all rows of the table, and fails a whole request for one unusual row.
PICKY_TRAINER = """
import tensorflow as tf


class Picky(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples):
        spec = {"fare": tf.io.FixedLenFeature([], tf.float32, 0.0)}
        fare = tf.io.parse_example(examples, spec)["fare"]
        with tf.control_dependencies([tf.debugging.assert_less(fare, 1e6)]):
            yes = tf.sigmoid(fare - 10.0)
        return {"probabilities": tf.stack([1 - yes, yes], axis=1)}


def run_fn(fn_args):
    model = Picky()
    tf.saved_model.save(model, fn_args.serving_model_dir, signatures=model.serve)
"""
THRESHOLDS_FOR_ANYTHING = [
    "--set",
    "evaluation.thresholds.auc.min=0.01",
    "--set",
    "evaluation.thresholds.auc.not_worse_than_baseline_by=0.99",
]


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A run, and the versions that were pushed when it ended."""

    result: Result
    versions: list[str]

    def model(self, node: str = "Trainer") -> list[str] | None:
        return self.result.run["nodes"][node]["outputs"].get("model")


def attempt(project: Project, *arguments: str, steps: int) -> Attempt:
    return Attempt(project.run(*arguments, steps=steps), project.versions)


@pytest.fixture(scope="module")
def good(project) -> Attempt:
    """A run whose model is live."""
    first = attempt(project, "--run-id", "good", steps=20)
    assert first.result.exit_code == 0, first.result.log
    (project.modules / "keras3_trainer.py").write_text(KERAS_3_TRAINER)
    (project.modules / "picky_trainer.py").write_text(PICKY_TRAINER)
    return first


@pytest.fixture(scope="module")
def keras_3(project, good) -> Attempt:
    run_fn = "modules.run_fn=modules.keras3_trainer.run_fn"
    return attempt(project, "--run-id", "keras3", "--set", run_fn, steps=20)


@pytest.fixture(scope="module")
def picky(project, keras_3) -> Attempt:
    run_fn = "modules.run_fn=modules.picky_trainer.run_fn"
    options = ("--run-id", "picky", "--set", run_fn, *THRESHOLDS_FOR_ANYTHING)
    return attempt(project, *options, steps=20)


@pytest.fixture(scope="module")
def following(project, picky) -> Attempt:
    return attempt(project, "--run-id", "next", steps=30)


def check_refused(refused: Attempt, good: Attempt) -> None:
    """The run was refused, nothing was pushed, and the good version is still there."""
    result = refused.result
    assert result.exit_code == 3, result.log
    assert result.run["state"] == "refused"
    assert result.run["blessed"] is False
    assert result.run["pushed_model"] is None
    assert result.states()["Pusher"] == "skipped"
    assert refused.versions == good.versions == [good.result.run["pushed_model"].rpartition("/")[2]]


def test_a_keras_3_export_is_refused_and_the_live_model_stays(good, keras_3):
    check_refused(keras_3, good)
    nodes = keras_3.result.run["nodes"]
    check, evaluator = nodes["ExportCheck"], nodes["Evaluator"]
    assert check["state"] == evaluator["state"] == "failed"
    assert check["findings"]
    assert "cannot be served" in evaluator["error"]
    assert "Could not find variable" in evaluator["findings"][0]["found"]
    assert keras_3.model("BaselineResolver") == good.model()


def test_what_the_export_check_found_is_shown_first(project, keras_3):
    command = [sys.executable, "-m", "tfx_pipeline", "show", "keras3"]
    shown = subprocess.run(
        command, cwd=project.folder, env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert "Traceback" not in shown
    check = shown.index("ExportCheck: the export check refused")
    assert check < shown.index("Evaluator: the model") < shown.index("Run keras3: refused")
    assert "Model: not blessed" in shown


def test_a_model_that_only_the_evaluator_blesses_is_refused(good, picky):
    check_refused(picky, good)
    assert picky.result.states()["ExportCheck"] == "failed"
    assert picky.result.states()["Evaluator"] == "complete"
    assert picky.result.run["metrics"]["auc"] > 0.01
    assert "fare" in str(picky.result.run["nodes"]["ExportCheck"]["findings"])


def test_the_next_model_is_compared_with_the_one_that_can_be_served(good, following):
    assert following.result.exit_code == 0, following.result.log
    assert following.model("BaselineResolver") == good.model()
    assert following.result.run["blessed"] is True
    assert len(following.versions) == 2
