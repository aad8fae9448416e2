"""The values of texts with separators and of lists in JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
@pytest.mark.parametrize("ensure_ascii", [False, True])
def test_a_list_in_json(values, indent, ensure_ascii):
    assert split(json.dumps(values, ensure_ascii=ensure_ascii, indent=indent)) == [values]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (r'["\u00e9", "\u00E9t\u00e9"]', ["é", "été"]),
        (r'["\ud83d\ude00!", "\u6771\u4eac"]', ["\N{GRINNING FACE}!", "東京"]),
        (r'["a\tb\/c\"d\\e\r\nf\bg\fh"]', ['a\tb/c"d\\e\r\nf\bg\fh']),
        (r'["\\u00e9", "\\\u00e9"]', [r"\u00e9", "\\é"]),
        (r'["\ud83d", "\ude00\ud83d"]', ["\ufffd", "\ufffd\ufffd"]),
        (r'["\x41", "\u00g9"]', [r"\x41", r"\u00g9"]),  # JSON has no such escapes
        (r"\u00e9|a\nb", [r"\u00e9", r"a\nb"]),  # no list
    ],
)
def test_escapes_in_json(written, wanted):
    assert split(written) == [wanted]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.booleans())
def test_any_list_in_json(values, ensure_ascii):
    kept = [value.strip(" \t\n\v\f\r") for value in values]
    assert split(json.dumps(values, ensure_ascii=ensure_ascii)) == [[v for v in kept if v]]


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
