"""The thresholds that a model missed in TFMA's files, against scikit-learn on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from sklearn import metrics

from tfx_pipeline.components.evaluator import missed_thresholds
from tfx_pipeline.errors import Finding

pytestmark = pytest.mark.tensorflow

CONFIG = """
model_specs { label_key: "label" prediction_key: "score" }
slicing_specs { }
slicing_specs { feature_keys: "town" }
metrics_specs { metrics {
  class_name: "AUC"
  per_slice_thresholds {
    slicing_specs { } threshold { value_threshold { lower_bound { value: %g } } }
  }
  per_slice_thresholds {
    slicing_specs { %s }
    threshold { value_threshold { lower_bound { value: 0.62 } } }
  }
} }
"""


@pytest.fixture(scope="module")
def rows():
    """400 rows; the scores know nothing about one town."""
    random = np.random.default_rng(1)
    label = random.integers(0, 2, 400)
    town = np.array(["京都", "Köln"])[random.integers(0, 2, 400)]
    known = np.where(town == "Köln", 0, label)
    return {
        "label": label.astype(float),
        "score": known * 0.3 + random.random(400) * 0.8,
        "town": town,
    }


def _evaluate(rows, limit, of_slice, folder):
    data = folder / "rows.tfrecord"
    with tf.io.TFRecordWriter(str(data)) as writer:
        for row in zip(*rows.values(), strict=True):
            example = tf.train.Example()
            for name, value in zip(rows, row, strict=True):
                feature = example.features.feature[name]
                if isinstance(value, str):
                    feature.bytes_list.value.append(value.encode())
                else:
                    feature.float_list.value.append(value)
            writer.write(example.SerializeToString())
    config = text_format.Parse(CONFIG % (limit, of_slice), tfma.EvalConfig())
    output = str(folder / "evaluation")
    tfma.run_model_analysis(eval_config=config, data_location=str(data), output_path=output)
    return missed_thresholds.read(output)


def test_a_limit_of_all_rows_and_one_of_a_slice(rows, tmp_path):
    found = _evaluate(rows, 0.999, 'feature_keys: "town"', tmp_path)
    chosen = rows["town"] == "Köln"
    overall = metrics.roc_auc_score(rows["label"], rows["score"])
    in_town = metrics.roc_auc_score(rows["label"][chosen], rows["score"][chosen])
    assert {(f.subject, f.rule) for f in found} == {
        ("auc", "min 0.999"),
        ("auc of town=Köln", "min 0.62"),
    }
    for finding in found:
        wanted = in_town if "Köln" in finding.subject else overall
        assert float(finding.found) == pytest.approx(wanted, abs=0.002)  # TFMA's buckets


def test_a_slice_without_rows_is_missed(rows, tmp_path):
    cut = {name: values[rows["town"] == "京都"] for name, values in rows.items()}
    of_town = 'feature_values { key: "town" value: "Köln" }'
    assert _evaluate(cut, 0.1, of_town, tmp_path) == [
        Finding("town=Köln", "a slice with thresholds", "no rows")
    ]
