"""One trace of a preprocessing function serves its inspection and its analysis."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tensorflow


def function(inputs):
    return inputs


def test_a_function_is_traced_once_to_be_inspected_and_analysed():
    import tensorflow as tf

    from tfx_pipeline.compat.transform_traces import remembering_traces

    traced = []

    def stock(function, specs, use_tf_compat_v1, base_temp_dir=None):
        traced.append((use_tf_compat_v1, base_temp_dir))
        return tf.Graph(), {}, {}

    quick = remembering_traces(stock)
    one, other = {"a": "float", "b": "int"}, {"b": "int", "a": "float"}
    inspected = quick(function, one, use_tf_compat_v1=True)
    assert quick(function, one, use_tf_compat_v1=True) is inspected
    assert quick(function, one, True, "folder") is inspected
    assert traced == [(True, None)]
    assert quick(function, one, True, "folder") is not inspected, "the analysis has changed it"
    assert quick(function, other, True, "folder") is not inspected, "names of operations differ"
    quick(function, one, False)
    quick(function, one, False, "folder")
    assert traced[1:] == [(True, "folder"), (True, "folder"), (False, None), (False, "folder")]


def test_each_inspection_finds_all_analyzers():
    import tensorflow as tf
    import tensorflow_transform as tft
    from tensorflow_transform import impl_helper
    from tensorflow_transform.beam import analysis_graph_builder, analyzer_cache

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import TRACES

    calls = []

    def scaled(inputs):
        calls.append(1)
        return {"a": tft.scale_to_z_score(inputs["a"])}

    def inspected():
        specs = {"a": tf.TensorSpec([None], tf.float32)}
        keys = [analyzer_cache.DatasetKey("one")]
        entries = analysis_graph_builder.get_analysis_cache_entry_keys(scaled, specs, keys, False)
        needed = analysis_graph_builder.get_analysis_dataset_keys(scaled, specs, keys, {}, False)
        return entries, needed, tft.get_analyze_input_columns(scaled, specs)

    stock = inspected()
    assert len(calls) == 3, "TensorFlow Transform no longer traces for each question"
    with applied([TRACES]):
        assert impl_helper.trace_preprocessing_function.__name__ == "remembered"
        assert inspected() == inspected() == stock
    assert len(calls) == 4
    assert stock[0]
    assert stock[1]
    assert stock[2] == ["a"]
