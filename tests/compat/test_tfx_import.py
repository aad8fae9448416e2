"""`from tfx_pipeline import tfx` is `from tfx import v1 as tfx`, only quicker."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.compat.test_lazy_imports import USES
from tfx_pipeline.config import environment

pytestmark = pytest.mark.tensorflow

HEAVY = ("kubernetes", "google.cloud.aiplatform", "google.cloud.bigquery", "nltk")
REPORT = f"""
import json, os, sys
from tfx_pipeline import tfx
import tensorflow_model_analysis
assert tfx is sys.modules["tfx.v1"]
imported = [name for name in {HEAVY!r} if name in sys.modules]
parts = {{name: sorted(dir(getattr(tfx, name))) for name in sorted(dir(tfx))}}
parts["vertex"] = sorted(dir(tfx.extensions.google_cloud_ai_platform))
failed = []
for use in json.loads(sys.argv[1]):
    if not (child := os.fork()):
        exec(use)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(use)
loader = type(tfx.__spec__.loader).__name__
print(json.dumps({{"imported": imported, "parts": parts, "failed": failed, "loader": loader}}))
"""
OF_TFX = [
    "import tfx.components.infra_validator.executor as e; e.kubernetes_runner.KubernetesRunner",
    "import tfx.extensions.google_cloud_ai_platform.trainer.executor as e; "
    "e.runner.start_cloud_training",
    "from tfx.components import CsvExampleGen; import tfx.components as c; "
    "assert c.CsvExampleGen is tfx.components.CsvExampleGen",
    "import kubernetes; kubernetes.client.CoreV1Api; from google.cloud import aiplatform as a; "
    "a.Model",
    "import pickle, apache_beam.io.gcp.bigquery as b; pickle.loads(pickle.dumps(b.BigQuerySource))",
]


def imported(plain: str, script: str = REPORT) -> dict:
    values = {**os.environ, environment.PLAIN: plain}
    uses = json.dumps([*USES, *OF_TFX])
    command = [sys.executable, "-c", script, uses]
    done = subprocess.run(command, env=values, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_clients_of_clouds_are_imported_when_they_are_used():
    quick, plain = imported("0"), imported("1")
    assert quick["imported"] == []
    assert plain["imported"] == list(HEAVY), "TFX no longer imports them"
    assert quick["failed"] == plain["failed"] == []
    assert quick["loader"] == plain["loader"] == "SourceFileLoader"
    assert quick["parts"] == plain["parts"]


def test_a_pipeline_of_own_components_needs_no_tensorflow():
    code = """
import sys
from tfx_pipeline import tfx

@tfx.dsl.components.component
def Own(number: tfx.dsl.components.Parameter[int]) -> tfx.dsl.components.OutputDict(twice=int):
    return {"twice": 2 * number}

tfx.dsl.Pipeline("own", "root", [Own(number=1)])
print(*(name for name in ("tensorflow", "keras_tuner", "tfx.components") if name in sys.modules))
import tensorflow
from tfx.dsl.io.plugins import tensorflow_gfile
assert vars(tensorflow_gfile)["tf"] is tensorflow
print("nltk" in sys.modules, tfx.components.Tuner.__name__, "keras_tuner" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "Tuner", "True"]


def test_the_environment_decides_which_keras_as_without_this_library():
    """Although TensorFlow is imported later, when components have set their default."""
    code = "from tfx_pipeline import components, tfx; components.Trainer\n"
    code += "import tensorflow_transform, tensorflow as tf; print(tf.keras.Model.__module__)"
    values = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    for chosen, keras in ({}, "keras."), ({"TF_USE_LEGACY_KERAS": "1"}, "tf_keras."):
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env=values | chosen, capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith(keras)
        assert "TF_USE_LEGACY_KERAS" not in done.stderr


def test_importing_this_library_changes_no_import():
    code = "import sys; before = [*sys.meta_path]; import tfx_pipeline\n"
    code += "assert before == sys.meta_path; assert 'tfx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
