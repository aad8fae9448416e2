"""One trace of a preprocessing function serves its inspection and its analysis."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tensorflow


def function(inputs):
    return inputs


def test_a_function_is_traced_once_to_be_inspected_and_analysed():
    from tfx_pipeline.compat.transform_traces import remembering_traces

    traced = []

    def stock(function, specs, use_tf_compat_v1, base_temp_dir=None):
        traced.append((use_tf_compat_v1, base_temp_dir))
        return object()

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
