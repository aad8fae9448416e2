"""What each transformation makes of a column, against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.modeling import harness

pytestmark = pytest.mark.tensorflow

NUMBERS = [1.0, 2.0, None, 2.0, 5.0, 10.0]
WORDS = ["b", "a", None, "b", "c", "b"]
INTEGERS = [3, None, 9, 3, 1, 5]

NUMERIC = {
    "zscore": {"transform": "zscore", "indicator": True},
    "minmax": {"transform": "minmax", "missing": "median"},
    "log": {"transform": "log", "missing": "constant", "fill_value": 0.0},
    "buckets": {"transform": "buckets", "buckets": 2, "missing": "most_frequent"},
    "constant": {"transform": "zscore"},
    "constant_log": {"transform": "log"},
    "empty": {"transform": "zscore", "missing": "median"},
    "wild": {"transform": "zscore"},
}
WORDY = {
    "vocabulary": {"transform": "vocabulary", "top_k": 2, "oov_buckets": 3},
    "frequent": {"transform": "vocabulary", "min_frequency": 3, "missing": "most_frequent"},
    "filled": {"transform": "vocabulary", "missing": "constant", "fill_value": "b"},
    "hash": {"transform": "hash", "buckets": 7},
    "no_words": {"transform": "vocabulary", "oov_buckets": 2, "indicator": True},
}
WHOLE = {
    "integer": {"transform": "integer"},
    "given": {"transform": "integer", "min": 3, "max": 5, "missing": "most_frequent"},
    "numbered": {"transform": "vocabulary", "top_k": 1},
}
SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} int_domain {{ min: 1 max: 5 }} }}\n'
    if kind == "INT"
    else f'feature {{ name: "{name}" type: {kind} }}\n'
    for names, kind in (([*NUMERIC, "y"], "FLOAT"), (WORDY, "BYTES"), (WHOLE, "INT"))
    for name in names
)


def _row(number, word, integer):
    row = dict.fromkeys(["zscore", "minmax", "log", "buckets"], number)
    row |= dict.fromkeys(["vocabulary", "frequent", "filled", "hash"], word)
    row |= dict.fromkeys(WHOLE, integer)
    row |= {"constant": 7.0, "constant_log": 5.0, "wild": number, "y": 1.0}
    return {name: value for name, value in row.items() if value is not None}


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    rows = [_row(*values) for values in zip(NUMBERS, WORDS, INTEGERS, strict=True)]
    unseen = [_row(1e30, "never", 4), _row(float("inf"), b"\xff\xfe", -(2**60)), {}]
    unseen.append(_row(float("nan"), "", 2**62) | {"wild": -3e38, "constant": 8.0})
    config = {
        "features": {**NUMERIC, **WORDY, **WHOLE},
        "label": {"name": "y", "task": "regression"},
    }
    folder = tmp_path_factory.mktemp("transformations")
    transformed = harness.transform(folder, config, SCHEMA, {"train": rows, "unseen": unseen})
    return {**transformed.rows("train"), "unseen": transformed.rows("unseen")}


def test_zscore_with_the_mean_filled_in(columns):
    present = [x for x in NUMBERS if x is not None]
    mean, std = np.mean(present), np.std(present)
    expected = [0.0 if x is None else (x - mean) / std for x in NUMBERS]
    assert columns["zscore"] == pytest.approx(expected, abs=1e-6)
    assert columns["zscore_missing"] == [0, 0, 1, 0, 0, 0]


def test_minmax_with_the_median_filled_in(columns):
    expected = [(2.0 if x is None else x - 1) / 9 for x in NUMBERS]
    expected[2] = (2.0 - 1) / 9
    assert columns["minmax"] == pytest.approx(expected)


def test_log_with_a_constant_filled_in(columns):
    logs = [math.log1p(x) for x in NUMBERS if x is not None]
    filled = [math.log1p(x or 0.0) for x in NUMBERS]
    expected = [(x - np.mean(logs)) / np.std(logs) for x in filled]
    assert columns["log"] == pytest.approx(expected, abs=1e-6)


def test_buckets_with_the_most_frequent_value_filled_in(columns):
    buckets = columns["buckets"]
    assert buckets[2] == buckets[1]
    assert buckets[0] == 0
    assert buckets[4] == buckets[5] == 1


def test_vocabulary_keeps_the_most_frequent_and_hashes_the_rest(columns):
    b, a, missing, b_again, c, _ = columns["vocabulary"]
    assert b == b_again == 4
    assert missing == 0
    hashed, kept = sorted([a, c])
    assert kept == 5
    assert hashed in (1, 2, 3)


def test_vocabulary_of_values_seen_often_enough(columns):
    b, a, missing, _, c, _ = columns["frequent"]
    assert (b, a, c) == (2, 1, 1)
    assert missing == b


def test_a_constant_word_is_filled_in(columns):
    assert columns["filled"][2] == columns["filled"][0]


def test_hash_leaves_0_to_missing_values(columns):
    assert columns["hash"][2] == 0
    assert all(1 <= id_ <= 7 for i, id_ in enumerate(columns["hash"]) if i != 2)


def test_integer_by_the_schemas_domain(columns):
    assert columns["integer"] == [4, 0, 1, 4, 2, 6]


def test_integer_by_the_configs_domain_with_the_most_frequent_filled_in(columns):
    assert columns["given"] == [2, 2, 1, 2, 1, 4]


def test_vocabulary_of_integers(columns):
    assert columns["numbered"] == [2, 0, 1, 2, 1, 1]


def test_columns_without_variance_or_values_give_zeros(columns):
    assert columns["constant"] == [0] * 6
    assert columns["constant_log"] == [0] * 6
    assert columns["empty"] == [0] * 6
    assert columns["no_words"] == [0] * 6
    assert columns["no_words_missing"] == [1] * 6


def test_values_never_seen_stay_within_bounds(columns):
    unseen = columns["unseen"]
    assert unseen["zscore"] == [10, 0, 0, 0]
    assert unseen["wild"][3] == -10
    assert unseen["minmax"][0] == 1
    assert unseen["constant"][3] == 0
    assert unseen["integer"] == [5, 1, 0, 1]
    assert all(1 <= id_ <= 3 for id_ in unseen["vocabulary"][:2])
    assert unseen["vocabulary"][2:] == [0, 0]
    assert all(np.isfinite(values).all() for name, values in unseen.items() if name != "y")
