"""Dates, booleans, lists and free text: from the rows to every signature of the export."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.modeling import harness
from tfx_pipeline.modeling.columns import Column
from tfx_pipeline.modeling.feature_table import load_table
from tfx_pipeline.modeling.preprocessing import transform_columns

pytestmark = pytest.mark.tensorflow

SCHEMA = """
feature { name: "when" type: BYTES }
feature { name: "active" type: INT }
feature { name: "paid" type: INT presence { min_fraction: 1 } }
feature { name: "said" type: BYTES }
feature { name: "tags" type: BYTES }
feature { name: "sizes" type: INT }
feature { name: "three" type: BYTES presence { min_fraction: 1 } shape { dim { size: 3 } } }
feature { name: "note" type: BYTES }
feature { name: "y" type: INT }
"""
PARTS = ["days", "year", "month", "day", "day_of_week", "hour"]
CONFIG = {
    "columns": {
        "when": {"type": "datetime", "format": "%d/%m/%Y %H:%M", "zone": "Asia/Tokyo"},
        "active": "boolean",
        "paid": "boolean",
        "tags": "list",
    },
    "features": {
        "when": {
            "transform": "datetime",
            "parts": ["days", "year", "month", "day", "day_of_week", "hour"],
        },
        "active": {"transform": "boolean", "indicator": True},
        "paid": {"transform": "boolean"},
        "said": {"transform": "boolean", "indicator": True},
        "tags": {"transform": "list", "separator": ",", "top_k": 3, "indicator": True},
        "sizes": {"transform": "list", "combine": "multi_hot", "top_k": 4},
        "three": {"transform": "list", "top_k": 5, "max_values": 3},
        "note": {"transform": "text", "buckets": 64, "max_tokens": 12},
    },
    "label": {"name": "y", "task": "binary"},
}


def _rows(count=120):
    random = np.random.default_rng(3)
    when = pd.date_range("2019-11-03", periods=count, freq="31h")
    rows = []
    for i in range(count):
        row = {
            "when": when[i].strftime("%d/%m/%Y %H:%M"),
            "active": int(i % 3 == 0),
            "paid": int(i % 2),
            "said": ["Yes", "no", "maybe", "TRUE"][i % 4],
            "tags": ", ".join("abcde"[k] for k in sorted(set(random.integers(0, 5, i % 4)))),
            "sizes": [int(k) for k in random.integers(1, 6, i % 3)],
            "three": ["xyz"[i % 3], "", "z"],
            "note": ["The red car!", "das rote Auto", "赤い車です", "", "RED, red... car"][i % 5],
            "y": int(i % 3 == 0),
        }
        for name in list(row)[: i % 12]:
            if i > 100 and name not in ("paid", "three", "y"):
                del row[name]
        rows.append(row)
    return rows


ROWS = _rows()


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    return harness.transform(folder, CONFIG, SCHEMA, {"train": ROWS, "eval": ROWS})


def matrix(transformed, name):
    """A transformed column, [rows, n]."""
    values = np.array(transformed.rows("train")[name])
    return values.reshape(len(ROWS), -1)


def column(transformed, name):
    return matrix(transformed, name)[:, 0]


def test_dates_are_those_of_pandas(transformed):
    when = pd.to_datetime(pd.Series([row.get("when") for row in ROWS]), format="%d/%m/%Y %H:%M")
    missing = when.isna()
    assert missing.any()
    assert (column(transformed, "when_missing") == missing).all()
    days = (when.dt.normalize() - pd.Timestamp(0)).dt.days
    for name, values in {"when": days, "when.year": when.dt.year}.items():
        expected = ((values - values.mean()) / values.std(ddof=0)).fillna(0)
        assert column(transformed, name) == pytest.approx(expected, abs=1e-4)
    for part, values in {
        "month": when.dt.month,
        "day": when.dt.day,
        "day_of_week": when.dt.dayofweek + 1,
        "hour": when.dt.hour + 1,
    }.items():
        assert (column(transformed, f"when.{part}") == values.fillna(0)).all()


def test_booleans(transformed):
    signs = {None: 0, 0: -1, 1: 1, "Yes": 1, "TRUE": 1, "no": -1, "maybe": 0}
    for name in ("active", "paid", "said"):
        expected = [signs[row.get(name)] for row in ROWS]
        assert column(transformed, name).tolist() == expected
        if name != "paid":
            assert column(transformed, f"{name}_missing").tolist() == [
                sign == 0 for sign in expected
            ]


def _vocabulary(transformed, name):
    words = transformed.output.vocabulary_by_name(f"vocabulary_{name}")
    return {word.decode(): index for index, word in enumerate(words)}


def _ids(values, vocabulary, most):
    """Ids as documented: 0 fills up, 1 is no value, 2 another value, then the known ones."""
    ids = [3 + vocabulary[value] if value in vocabulary else 2 for value in values]
    return ([*ids, *[0] * most] if ids else [1, *[0] * most])[:most]


def test_lists_of_a_text_with_a_separator(transformed):
    vocabulary = _vocabulary(transformed, "tags")
    lists = [[t.strip() for t in row.get("tags", "").split(",") if t.strip()] for row in ROWS]
    counts = pd.Series([*itertools.chain(*lists)]).value_counts()
    assert counts[list(vocabulary)].min() >= counts.nlargest(3).min()
    assert len(vocabulary) == 3
    assert matrix(transformed, "tags").tolist() == [_ids(v, vocabulary, 20) for v in lists]
    assert column(transformed, "tags_missing").tolist() == [not values for values in lists]


def test_lists_of_several_integers_are_multi_hot(transformed):
    from sklearn.preprocessing import MultiLabelBinarizer

    vocabulary = _vocabulary(transformed, "sizes")
    lists = [[vocabulary.get(str(v), -1) for v in row.get("sizes", [])] or [-2] for row in ROWS]
    binarizer = MultiLabelBinarizer(classes=[-2, -1, 0, 1, 2, 3])
    assert (matrix(transformed, "sizes") == binarizer.fit_transform(lists)).all()


def test_lists_of_a_fixed_length(transformed):
    vocabulary = _vocabulary(transformed, "three")
    expected = [_ids([v for v in row["three"] if v], vocabulary, 3) for row in ROWS]
    assert matrix(transformed, "three").tolist() == expected


def tokens(texts, **settings):
    """The tokens of texts by the treatment `text`."""
    from tfx_pipeline.modeling.bags import Text

    feature = Text(transform="text", **settings).of_column(Column("t", tf.string))
    found = feature.tokens({"t": tf.constant(texts)}).to_list()
    return [[token.decode() for token in row] for row in found]


def test_the_words_of_a_text():
    assert tokens(["The RED car, isn't it?", "ÄRGER über Straße", "", "!!!"], ngrams=1) == [
        ["the", "red", "car", "isn", "t", "it"],
        ["ärger", "über", "straße"],
        [],
        [],
    ]
    assert tokens(["the red car"]) == [["the", "red", "car", "the red", "red car"]]
    assert tokens(["赤い車 red", "北京です"]) == [
        ["赤", "い", "車", "red", "赤 い", "い 車", "車 red"],
        ["北", "京", "で", "す", "北 京", "京 で", "で す"],
    ]
    assert tokens(["ab-1"], tokens_of="characters", ngrams=3) == [
        ["a", "b", "1", "a b", "b 1", "a b 1"]
    ]
    assert tokens([b"\xff\xfe bad"], ngrams=1)[0][-1] == "bad"


def test_scikit_learn_finds_the_same_words():
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["The quick brown fox.", "Jumps over THE lazy dog; the end", "one"]
    vectorizer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+")
    counts = vectorizer.fit_transform(texts).toarray()
    found = np.zeros_like(counts)
    for row, words in enumerate(tokens(texts)):
        for word in words:
            found[row, vectorizer.vocabulary_[word]] += 1
    assert (found == counts).all()


def test_hashed_tokens(transformed):
    expected = tokens([row.get("note", "") for row in ROWS])
    for row, words in zip(matrix(transformed, "note").tolist(), expected, strict=True):
        ids = [2 + int(tf.strings.to_hash_bucket_fast(word, 64)) for word in words]
        assert row == ([*ids, *[0] * 12] if ids else [1, *[0] * 12])[:12]


@pytest.fixture(scope="module")
def server(transformed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return harness.Server(harness.train(transformed, folder, **harness.SHORT))


def as_columns(rows):
    """Rows as the signature `columns` takes them."""
    width = max(len(row.get("sizes", [])) for row in rows) + 1
    active = [row.get("active", -1) for row in rows]
    return {
        "when": np.array([row.get("when", "") for row in rows], object),
        "active": np.array(active, np.int8),
        "paid": np.array([bool(row["paid"]) for row in rows]),
        "said": np.array([row.get("said", "") for row in rows], object),
        "tags": np.array([[row.get("tags", ""), ""] for row in rows], object),
        "sizes": np.array(
            [(row.get("sizes", []) + [np.nan] * width)[:width] for row in rows], np.float64
        ),
        "three": np.array([row["three"][:3] for row in rows], object),
        "note": np.array([row.get("note", "") for row in rows], object),
    }


def test_the_signatures_agree(server, transformed):
    specs = server.signatures["columns"].inputs
    assert tf.as_dtype(specs["paid"].dtype) == tf.bool
    assert tf.as_dtype(specs["active"].dtype) == tf.int8
    assert [dim.size for dim in specs["tags"].tensor_shape.dim] == [-1, -1]
    examples = [harness.example({k: v for k, v in row.items() if k != "y"}) for row in ROWS]
    by_example = server.call("serving_default", examples=examples)["probabilities"]
    by_columns = server.call("columns", **as_columns(ROWS))["probabilities"]
    assert by_columns == pytest.approx(by_example, abs=1e-6)
    assert len({tuple(row) for row in by_example.round(6)}) > 50
    features = server.call("transform_features", examples=examples)
    assert features["tags"].tolist() == matrix(transformed, "tags").tolist()
    odd = {
        "three": ["x", "y", "z", "z"],
        "when": "never",
        "said": "\ufffd",
        "tags": "z" * 5000,
        "note": "x " * 5000,
    }
    answer = server.call("serving_default", examples=[harness.example(odd), b""])
    assert np.isfinite(answer["probabilities"]).all()


def test_equal_values_as_a_list_and_as_a_text(server):
    row = ROWS[7]
    columns = as_columns([row])
    (text,) = columns["tags"][:, 0]
    columns["tags"] = np.array([[part.strip() for part in text.split(",")]], object)
    assert (
        server.call("columns", **columns)["probabilities"]
        == server.call("columns", **as_columns([row]))["probabilities"]
    ).all()


def test_a_format_that_is_refused():
    from tfx_pipeline.errors import ConfigError

    config = {**CONFIG, "columns": {"when": {"type": "datetime", "format": "%q"}}}
    table = load_table(config, SCHEMA)
    with pytest.raises(ConfigError, match=r"columns\.when: has %q"):
        transform_columns({"when": tf.constant(["a"])}, table)
