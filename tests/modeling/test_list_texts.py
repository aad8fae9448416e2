"""The values of texts with separators and of lists in JSON."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.tensorflow


def split(*texts, separator="|"):
    import tensorflow as tf

    from tfx_pipeline.modeling import list_texts

    found = list_texts.split(tf.constant(list(texts)), separator)
    return [[value.decode() for value in row] for row in found.to_list()]


LISTS = [
    ["slow", "log in", "東京"],
    [],
    ["one"],
    ["a, b", "c|d", "e]f", "[g"],
    ['say "hi"', "back\\slash", "a/b"],
    ["null", "x"],
]


@pytest.mark.parametrize("values", LISTS)
@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_in_json(values, indent):
    assert split(json.dumps(values, ensure_ascii=False, indent=indent)) == [values]


def test_numbers_true_and_null_in_json():
    assert split('[1, -2.5e3,true , null, "", " x "]') == [["1", "-2.5e3", "true", "x"]]


def test_texts_with_separators():
    assert split("a| b ||c", "", "[a|b]", '["a"', "x, y") == [
        ["a", "b", "c"],
        [],
        ["[a", "b]"],
        ['["a"'],
        ["x, y"],
    ]
    assert split("a.b", "a b", separator=".") == [["a", "b"], ["a b"]]
    assert split('["a.b", "c"]', separator=".") == [["a.b", "c"]]
