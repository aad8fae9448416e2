"""A model that loads eagerly but cannot be served never replaces one that can."""

from __future__ import annotations

import pytest

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


def test_a_keras_3_export_is_refused_and_the_live_model_stays(project):
    good = project.run("--run-id", "good", steps=20)
    assert good.exit_code == 0, good.log
    versions = project.versions
    (project.copy_modules() / "keras3_trainer.py").write_text(KERAS_3_TRAINER)
    refused = project.run("--set", "modules.run_fn=modules.keras3_trainer.run_fn")
    assert refused.exit_code == 3, refused.log
    check = refused.run["nodes"]["ExportCheck"]
    assert check["state"] == "failed"
    assert check["findings"]
    assert refused.states()["Evaluator"] == "skipped"
    assert refused.states()["Pusher"] == "skipped"
    assert project.versions == versions
