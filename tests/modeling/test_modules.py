"""The example in `modules/` does what the library's own functions do."""

from __future__ import annotations

import pytest
import tensorflow as tf

from modules import preprocessing, trainer
from tests.modeling import harness
from tfx_pipeline.modeling.feature_table import load_table
from tfx_pipeline.modeling.preprocessing import preprocessing_fn
from tfx_pipeline.user_code.code_digest import code_digests

pytestmark = pytest.mark.tensorflow


def test_preprocessing_builds_the_same_graph(taxi):
    custom_config = {**taxi.config, "schema": harness.TAXI_SCHEMA}
    table = load_table(custom_config, harness.TAXI_SCHEMA)
    types = {c.name: c.dtype for c in (table.label.column, *(f.column for f in table.features))}

    def operations(function):
        with tf.Graph().as_default() as graph:
            inputs = {n: tf.compat.v1.sparse_placeholder(t) for n, t in types.items()}
            outputs = function(inputs, custom_config)
        assert outputs.keys() == taxi.rows().keys()
        return [(each.name, each.type) for each in graph.get_operations()]

    assert operations(preprocessing.preprocessing_fn) == operations(preprocessing_fn)


def test_training_gives_the_same_model(taxi, taxi_rows, server, tmp_path):
    folder = harness.train(taxi, tmp_path, run_fn=trainer.run_fn, **harness.SHORT)
    examples = [harness.example(row) for row in taxi_rows[600:]]
    one, two = (
        each.call("serving_default", examples=examples) for each in (server, harness.Server(folder))
    )
    assert (one["probabilities"] == two["probabilities"]).all()


def test_the_cache_key_covers_the_example_and_what_it_calls():
    digests = code_digests("modules.preprocessing.preprocessing_fn", "modules.trainer.run_fn")
    library = ("preprocessing", "column_statistics", "training", "network", "decisions")
    expected = {"modules.preprocessing", "modules.trainer", "modules.model"}
    expected.add("tfx_pipeline.config.label_classes")
    assert expected | {f"tfx_pipeline.modeling.{name}" for name in library} <= digests.keys()
