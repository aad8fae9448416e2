"""Rows of the tests of the Evaluator, and how its outputs are read."""

from __future__ import annotations

import json

import tensorflow as tf

from tests.components import harness
from tfx_pipeline.config import metric_catalog

ROWS = harness.rows(1500)


LABELS = [row[harness.LABEL] for row in ROWS]


ALL_BINARY = dict.fromkeys(metric_catalog.for_task("binary"))


def found_metrics(evaluation, name="metrics"):
    return json.loads(evaluation.get_string_custom_property(name))


def findings(blessing):
    return json.loads(blessing.get_string_custom_property("findings") or "[]")


class Named(harness.Scoring):
    """A classification into named classes."""

    names = ("no", "maybe", "yes")

    def answer(self, raw):
        yes = tf.sigmoid(harness.clean(raw["miles"]) - 5) * self.weight
        names = tf.tile(tf.constant([self.names]), [tf.size(yes), 1])
        return {
            "probabilities": tf.stack([0.9 - 0.9 * yes, 0.1 * yes / yes, 0.9 * yes], 1),
            "classes": names,
        }
