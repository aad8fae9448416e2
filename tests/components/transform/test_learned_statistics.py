"""`learned.json`: what Transform learned, against numpy on the same training rows."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from tests.components.example_gen import ingestion
from tests.components.transform import test_transform
from tfx_pipeline.report import file_names

pytestmark = pytest.mark.tensorflow

FUNCTION = "tfx_pipeline.modeling.preprocessing.preprocessing_fn"
TYPES = {
    "fare": "FLOAT", "miles": "FLOAT", "Größe/m": "FLOAT", "hour": "INT", "kind": "BYTES",
    "label": "INT",
}  # fmt: skip
SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} presence {{ min_count: 1 }} '
    "value_count { max: 1 } }"
    for name, kind in TYPES.items()
)
FEATURES = {
    "fare": {"transform": "log"},
    "miles": {"transform": "buckets", "buckets": 8, "missing": "median"},
    "Größe/m": {"transform": "zscore", "missing": "most_frequent"},
    "hour": {"transform": "integer", "min": 0, "max": 23, "missing": "most_frequent"},
    "kind": {"transform": "vocabulary"},
}
CONFIG = {"features": FEATURES, "label": {"name": "label", "task": "binary"}}


def table(folder) -> None:
    random = np.random.default_rng(0)
    rows = [
        f"{fare},{miles},{size},{hour},kind{i % 3},{i % 2}"
        for i, (fare, miles, size, hour) in enumerate(
            zip(
                random.exponential(10, 600).round(3),
                np.where(random.random(600) < 0.1, "", random.normal(5, 2, 600).round(4)),
                random.integers(0, 9, 600) * 1e6 + 0.25,
                random.integers(0, 24, 600),
                strict=True,
            )
        )
    ]
    ingestion.write(folder, "fare,miles,Größe/m,hour,kind,label\n" + "\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> pathlib.Path:
    """The folder of the transform graph."""
    folder = tmp_path_factory.mktemp("learned")
    table(folder / "rows.csv")
    text = (folder / "rows.csv").read_text()
    uri, _ = test_transform.transform(folder, FUNCTION, config=CONFIG, schema=SCHEMA, table=text)
    return pathlib.Path(uri)


@pytest.fixture(scope="module")
def learned(graph) -> dict:
    document = json.loads((graph / file_names.LEARNED).read_text())
    assert document["version"] == 1
    return document["columns"]


@pytest.fixture(scope="module")
def rows(graph) -> dict[str, np.ndarray]:
    """The values of each column in the training split, as its tf.Examples have them."""
    import tensorflow as tf

    found: dict[str, list[float]] = {}
    files = sorted(str(path) for path in (graph.parent / "examples" / "Split-train").glob("*.gz"))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP"):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        for name in ("fare", "miles", "Größe/m", "hour"):
            feature = features[name]
            found.setdefault(name, []).extend(feature.float_list.value or feature.int64_list.value)
    return {name: np.array(values, np.float64) for name, values in found.items()}


def test_moments_are_those_of_the_training_rows(learned, rows):
    assert len(rows["fare"]) > 300
    assert len(rows["miles"]) < len(rows["fare"])
    of = {
        ("fare", "fare"): rows["fare"],
        ("fare", "fare/log"): np.log1p(rows["fare"]),
        ("miles", "miles"): rows["miles"],
        ("Größe/m", "Größe/m"): rows["Größe/m"],
        ("hour", "hour"): rows["hour"],
    }
    assert {(column, part) for column, parts in learned.items() for part in parts} == set(of)
    for (column, part), values in of.items():
        found = learned[column][part]
        # TensorFlow and numpy compute a logarithm with different last digits.
        exact = 1e-12 if part != "fare/log" else 1e-9
        assert found["mean"] == pytest.approx(values.mean(), rel=exact)
        assert found["std"] == pytest.approx(values.std(), rel=exact)
        assert found["min"] == pytest.approx(values.min(), rel=exact, abs=1e-15)
        assert found["max"] == pytest.approx(values.max(), rel=exact)


def test_the_most_frequent_value_is_there_if_the_treatment_uses_it(learned, rows):
    for column in ("Größe/m", "hour"):
        values, counts = np.unique(rows[column], return_counts=True)
        assert learned[column][column]["mode"] == values[counts.argmax()]
    assert "mode" not in learned["fare"]["fare"]
    assert "mode" not in learned["miles"]["miles"]


def test_bins_and_the_median_divide_the_training_rows_into_equal_parts(learned, rows):
    boundaries = learned["miles"]["miles"]["boundaries"]
    assert {parts: len(edges) for parts, edges in boundaries.items()} == {"2": 1, "8": 7}
    for parts, edges in boundaries.items():
        for i, edge in enumerate(edges, 1):
            assert edge in rows["miles"]
            wanted = np.quantile(rows["miles"], i / int(parts), method="inverted_cdf")
            ordered = np.sort(rows["miles"]).tolist()
            assert abs(ordered.index(edge) - ordered.index(wanted)) <= 1
    assert "boundaries" not in learned["fare"]["fare"]


def test_they_are_the_numbers_that_the_graph_uses(graph, learned):
    import tensorflow as tf
    import tensorflow_transform as tft

    layer = tft.TFTransformOutput(str(graph)).transform_features_layer()
    size = learned["Größe/m"]["Größe/m"]
    value = size["mean"] + 2 * size["std"]
    empty = {"kind": tf.constant([["kind1"]]), "label": tf.constant([[0]], tf.int64)}
    numbers = {name: tf.constant([[1.0]]) for name in ("fare", "miles")}
    raw = {**empty, **numbers, "hour": tf.constant([[3]], tf.int64), "Größe/m": [[value]]}
    spec = tft.TFTransformOutput(str(graph)).raw_feature_spec()
    batch = {
        name: tf.sparse.from_dense(tf.convert_to_tensor(raw[name], kind.dtype))
        if isinstance(kind, tf.io.VarLenFeature)
        else tf.convert_to_tensor(raw[name], kind.dtype)
        for name, kind in spec.items()
    }
    assert float(layer(batch)["Größe/m"][0, 0]) == pytest.approx(2, rel=1e-5)


def test_tft_reads_the_graph_as_before(graph):
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(str(graph))
    assert set(output.transformed_feature_spec()) >= set(FEATURES)
    assert {path.name for path in graph.iterdir()} == {
        "learned.json", "metadata", "transform_fn", "transformed_metadata",
    }  # fmt: skip


def test_of_a_function_without_our_treatments_the_vocabularies_are_kept(tmp_path):
    import tensorflow_transform as tft

    uri, _ = test_transform.transform(tmp_path)
    document = json.loads(pathlib.Path(uri, file_names.LEARNED).read_text())
    values = [v.decode() for v in tft.TFTransformOutput(uri).vocabulary_by_name("kind")]
    assert sorted(values) == ["kind0", "kind1", "kind2"]
    assert document == {"version": 1, "vocabularies": {"kind": {"size": 3, "values": values}}}


def test_a_vocabulary_of_a_column_is_kept_under_its_name_in_the_graph(graph):
    document = json.loads((graph / file_names.LEARNED).read_text())
    assert document["vocabularies"]["vocabulary_kind"]["size"] == 3
