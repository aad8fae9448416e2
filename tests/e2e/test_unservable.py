"""A model that cannot be served never replaces one that can, nor is one compared with it.

The tests of this file share one project and build on each other, in order.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.projects import environment

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


# It answers all rows of the table, and fails a whole request for one odd row.
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


@pytest.fixture(scope="module")
def good(project):
    """A run whose model is live."""
    result = project.run("--run-id", "good", steps=20)
    assert result.exit_code == 0, result.log
    (project.modules / "keras3_trainer.py").write_text(KERAS_3_TRAINER)
    (project.modules / "picky_trainer.py").write_text(PICKY_TRAINER)
    return result


@pytest.fixture(scope="module")
def keras_3(project, good):
    return project.run(
        "--run-id", "keras3", "--set", "modules.run_fn=modules.keras3_trainer.run_fn"
    )


@pytest.fixture(scope="module")
def picky(project, keras_3):
    return project.run(
        *("--run-id", "picky", "--set", "modules.run_fn=modules.picky_trainer.run_fn"),
        *THRESHOLDS_FOR_ANYTHING,
    )


def model_of(result, node="Trainer"):
    return result.run["nodes"][node]["outputs"].get("model")


def refused_with_nothing_pushed(result, project, good):
    assert result.exit_code == 3, result.log
    assert result.run["state"] == "refused"
    assert result.run["blessed"] is False
    assert result.run["pushed_model"] is None
    assert result.states()["Pusher"] == "skipped"
    assert project.versions == [good.run["pushed_model"].rpartition("/")[2]]
    return True


def test_a_keras_3_export_is_refused_and_the_live_model_stays(project, good, keras_3):
    assert refused_with_nothing_pushed(keras_3, project, good)
    check, evaluator = (keras_3.run["nodes"][name] for name in ("ExportCheck", "Evaluator"))
    assert check["state"] == evaluator["state"] == "failed"
    assert check["findings"]
    assert "cannot be served" in evaluator["error"]
    assert "Could not find variable" in evaluator["findings"][0]["found"]
    assert model_of(keras_3, "BaselineResolver") == model_of(good)


def test_what_the_export_check_found_is_said_first(project, keras_3):
    command = [sys.executable, "-m", "tfx_pipeline", "show", "keras3"]
    said = subprocess.run(
        command, cwd=project.folder, env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert "Traceback" not in said
    assert said.index("ExportCheck: the export check refused") < said.index("Evaluator: the model")
    assert said.index("Evaluator: the model") < said.index("Run keras3: refused")
    assert "Model: not blessed" in said


def test_a_model_that_only_the_evaluator_blesses_is_refused(project, good, picky):
    assert refused_with_nothing_pushed(picky, project, good)
    assert picky.states()["ExportCheck"] == "failed"
    assert picky.states()["Evaluator"] == "complete"
    assert picky.run["metrics"]["auc"] > 0.01
    assert "fare" in str(picky.run["nodes"]["ExportCheck"]["findings"])


def test_the_next_model_is_compared_with_the_one_that_can_be_served(project, good, picky):
    run = project.run("--run-id", "next", steps=30)
    assert run.exit_code == 0, run.log
    assert model_of(run, "BaselineResolver") == model_of(good)
    assert run.run["blessed"] is True
    assert len(project.versions) == 2
