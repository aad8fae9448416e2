"""A treatment of one's own is transformed, trained and served like the built-in ones."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from tests.modeling import harness
from tests.projects import REPOSITORY
from tfx_pipeline.errors import ConfigError

pytestmark = pytest.mark.tensorflow

CYCLIC = "tests.modeling.own_treatment.Cyclic"
CONFIG = {
    "features": {"hour": {"transform": CYCLIC, "period": 24.0, "indicator": True}},
    "label": {"name": "bought", "task": "binary"},
}
SCHEMA = """\
feature { name: "hour" type: INT }
feature { name: "bought" type: INT }
"""
ROWS = [{"hour": 6, "bought": 1}, {"hour": 18, "bought": 0}, {"bought": 1}, {"hour": 0}] * 8
IN_A_NEW_PROCESS = """
import pathlib, sys
from tfx_pipeline.config import features
assert features.find(sys.argv[1])(transform=sys.argv[1], period=24.0).period == 24.0
assert "tensorflow" not in sys.modules
from tests.modeling import harness
from tests.modeling.test_own_treatment import CONFIG, ROWS, SCHEMA
transformed = harness.transform(pathlib.Path(sys.argv[2]), CONFIG, SCHEMA, {"train": ROWS})
print(transformed.rows()["hour_sine"][:2])
"""


def test_it_is_preprocessed_trained_and_served(tmp_path):
    transformed = harness.transform(tmp_path, CONFIG, SCHEMA, {"train": ROWS})
    rows = transformed.rows()
    assert rows["hour_sine"][:2] == pytest.approx([1.0, -1.0])
    assert rows["hour_cosine"][:2] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert rows["hour_missing"][:4] == [0, 0, 1, 0]
    mean = 2 * math.pi * (6 + 18 + 0) / 3 / 24
    assert rows["hour_sine"][2] == pytest.approx(math.sin(mean), abs=1e-6)
    server = harness.Server(harness.train(transformed, tmp_path, **harness.SHORT))
    answer = server.call("serving_default", examples=[harness.example({"hour": 6})])
    assert answer["probabilities"].shape == (1, 2)


def test_it_works_in_a_process_that_deferred_tensorflow(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS, CYCLIC, str(tmp_path)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[1.0, -1.0]"


def test_its_errors_name_column_class_and_method(tmp_path):
    broken = CYCLIC.replace("Cyclic", "Broken")
    config = {**CONFIG, "features": {"hour": {"transform": broken, "period": 24.0}}}
    with pytest.raises(ConfigError) as caught:
        harness.transform(tmp_path, config, SCHEMA, {"train": ROWS})
    (problem,) = caught.value.problems
    assert problem.where == "features.hour"
    assert problem.message.startswith(f"{broken}.preprocess raised AttributeError: ")
    assert "own_treatment.py, line " in problem.message
