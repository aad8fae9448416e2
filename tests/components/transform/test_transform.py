"""Transform: the schema reaches the user's function, and the graph can be served."""

from __future__ import annotations

import json
import math
import pathlib

import pytest

from tests import approximately
from tests.components import recorded_calls
from tests.components.example_gen import ingestion
from tests.components.executing import AsNode
from tfx_pipeline.user_code.loader import LoadError

pytestmark = pytest.mark.tensorflow

SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} presence {{ min_fraction: 1 min_count: 1 }} '
    "shape { dim { size: 1 } } }\n"
    for name, kind in {"fare": "FLOAT", "kind": "BYTES", "label": "INT"}.items()
)
FUNCTION = "tests.components.user_functions.preprocessing_fn"
COUNTED = "tests.components.user_functions.counted_preprocessing_fn"


def transform(folder, function=FUNCTION, files=1, config=None, schema=SCHEMA, table=""):
    """Ingests a small table and transforms it; returns the graph's and examples' folders."""
    from tfx import types
    from tfx.proto import transform_pb2
    from tfx.types import standard_artifacts

    from tfx_pipeline.components.transform import component, executor

    for file in range(files):
        rows = "".join(f"{i}.5,kind{i % 3},{i % 2}\n" for i in range(file, 200, files))
        text = table or "fare,kind,label\n" + rows
        ingestion.write(folder / "data" / f"{file}.csv", text)
    data = folder / "data"
    path = ingestion.write(folder / "schema" / "schema.pbtxt", schema)
    schema = standard_artifacts.Schema()
    schema.uri = str(folder / "schema")
    examples, _, _ = ingestion.ingest(folder, data, schema_path=str(path))
    node = component.Transform(
        examples=types.Channel(type=standard_artifacts.Examples),
        schema=types.Channel(type=standard_artifacts.Schema),
        preprocessing_fn=function,
        custom_config=config or {"factor": 10.0},
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        disable_statistics=True,
        disable_analyzer_cache=True,
        force_tf_compat_v1=True,
    )
    graph, transformed = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    graph.uri, transformed.uri = str(folder / "graph"), str(folder / "transformed")
    properties = {k: v for k, v in node.spec.exec_properties.items() if v is not None}
    AsNode(executor.Executor).Do(
        {"examples": [examples], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [transformed]},
        properties,
    )
    return graph.uri, transformed.uri


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return transform(tmp_path_factory.mktemp("transform"))


def test_train_and_eval_are_transformed_and_written_as_tfx_does(done):
    import tensorflow as tf
    import tensorflow_transform as tft

    graph, transformed = done
    assert sorted(p.name for p in pathlib.Path(transformed).iterdir()) == [
        "Split-eval",
        "Split-train",
    ]
    files = [str(p) for p in pathlib.Path(transformed, "Split-train").iterdir()]
    spec = tft.TFTransformOutput(graph).transformed_feature_spec()
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    rows = [tf.io.parse_single_example(record, spec) for record in dataset]
    fares = [float(tf.reshape(row["fare"], [])) for row in rows]
    mean = sum(fares) / len(fares)
    assert abs(mean) < 0.01
    assert math.isclose(sum(f * f for f in fares) / len(fares), 100, rel_tol=0.01)
    assert set(tft.TFTransformOutput(graph).vocabulary_by_name("kind")) == {
        b"kind0",
        b"kind1",
        b"kind2",
    }


def stock_transform(folder, function=FUNCTION):
    """The same by TFX's own executor, on what `transform` left in the folder."""
    from tfx.components.transform import executor
    from tfx.proto import transform_pb2
    from tfx.types import standard_artifacts
    from tfx.utils import proto_utils

    examples, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
    examples.uri, schema.uri = str(folder / "examples"), str(folder / "schema")
    examples.split_names = '["train", "eval", "test"]'
    graph, transformed = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    graph.uri, transformed.uri = str(folder / "stock"), str(folder / "stock-transformed")
    splits = transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"])
    executor.Executor().Do(
        {"examples": [examples], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [transformed]},
        {
            "preprocessing_fn": function,
            "custom_config": json.dumps({"factor": 10.0, "schema": SCHEMA}),
            "splits_config": proto_utils.proto_to_json(splits),
            "disable_statistics": 1,
            "force_tf_compat_v1": 1,
        },
    )
    return graph.uri, transformed.uri


def rows_of(graph, transformed, split):
    """Parsed transformed rows, sorted: their order within a split is not defined."""
    import tensorflow as tf
    import tensorflow_transform as tft

    files = sorted(str(path) for path in pathlib.Path(transformed, f"Split-{split}").iterdir())
    spec = tft.TFTransformOutput(graph).transformed_feature_spec()
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    rows = [tf.io.parse_single_example(record, spec) for record in dataset]
    return sorted(tuple(row[name].numpy().item() for name in sorted(row)) for row in rows)


def test_rows_metadata_and_vocabularies_are_those_of_tfx(tmp_path, monkeypatch):
    import tensorflow_transform as tft

    calls = []
    monkeypatch.setattr(recorded_calls, "calls", calls)
    graph, transformed = transform(tmp_path, COUNTED)
    assert len(calls) == 1
    stock_graph, stock_transformed = stock_transform(tmp_path, COUNTED)
    assert len(calls) > 2, "TFX no longer traces the function several times"
    for split in ("train", "eval"):
        ours = rows_of(graph, transformed, split)
        assert len(ours) > 20
        assert approximately.equal(ours, rows_of(stock_graph, stock_transformed, split))
    ours, theirs = tft.TFTransformOutput(graph), tft.TFTransformOutput(stock_graph)
    assert ours.transformed_metadata.schema == theirs.transformed_metadata.schema
    assert ours.raw_metadata.schema == theirs.raw_metadata.schema
    assert ours.vocabulary_by_name("kind") == theirs.vocabulary_by_name("kind")


def test_examples_have_the_transformed_columns_only(done):
    import tensorflow as tf

    for path in pathlib.Path(done[1]).glob("Split-*/*"):
        for record in tf.data.TFRecordDataset([str(path)], compression_type="GZIP"):
            example = tf.train.Example.FromString(record.numpy())
            assert example.features.feature.keys() == {"fare", "kind", "label"}


def test_several_files_give_the_same_bytes_each_time(tmp_path, monkeypatch):
    from tfx_pipeline.components.example_gen import work_units

    monkeypatch.setattr(work_units, "UNIT_BYTES", 1)
    bytes_of = []
    for name in ("one", "two", "three"):
        _, examples = transform(tmp_path / name, files=5)
        split = pathlib.Path(examples, "Split-train")
        assert len(list((tmp_path / name / "examples" / "Split-train").iterdir())) == 5
        bytes_of.append([path.read_bytes() for path in sorted(split.iterdir())])
    assert bytes_of[0] == bytes_of[1] == bytes_of[2]


def test_no_temporary_files_are_left(done):
    assert {path.name for path in pathlib.Path(done[0]).iterdir()} == {
        "learned.json", "metadata", "transform_fn", "transformed_metadata",
    }  # fmt: skip


def test_the_graph_works_inside_a_served_function(done, tmp_path):
    """Saved with a signature, loaded in a graph-mode session as TensorFlow Serving does."""
    import tensorflow as tf
    import tensorflow_transform as tft

    layer = tft.TFTransformOutput(done[0]).transform_features_layer()
    holder = tf.Module()
    holder.layer = layer

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="fare")])
    def serve(fare):
        shape = tf.shape(fare)
        raw = {"fare": fare, "kind": tf.fill(shape, "kind1"), "label": tf.zeros(shape, tf.int64)}
        return {"fare": layer(raw)["fare"]}

    eager = float(serve(tf.constant([[3.0]]))["fare"][0, 0])
    tf.saved_model.save(holder, str(tmp_path / "m"), signatures={"serving_default": serve})
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "m"))
        signature = loaded.signature_def["serving_default"]
        (result,) = session.run(
            [signature.outputs["fare"].name], {signature.inputs["fare"].name: [[3.0]]}
        )
    assert math.isclose(float(result[0][0]), eager, rel_tol=1e-6)


def test_a_broken_function_is_named(tmp_path):
    with pytest.raises(LoadError, match=r"no_such\.preprocessing_fn: module 'no_such'"):
        transform(tmp_path, "no_such.preprocessing_fn")


class TestWritten:
    """Record batches as examples: the same whatever their shape, by two encoders."""

    @pytest.fixture
    def write(self, tmp_path):
        import apache_beam as beam
        import tensorflow as tf

        from tfx_pipeline.components.transform import example_writer

        def run(batch, schema):
            staging, target = str(tmp_path / "staging"), tmp_path / "Split-train"
            with beam.Pipeline() as pipeline:
                pairs = pipeline | beam.Create([("train", batch)], reshuffle=False)
                written = pairs | example_writer.WriteExamples(schema, staging)
                _ = written | example_writer.WriteFileList(staging)
            assert example_writer.publish(staging, {"train": str(target)}) == {"train": 1}
            path = str(target / "transformed_examples-00000-of-00001.gz")
            return [record.numpy() for record in tf.data.TFRecordDataset(path, "GZIP")]

        return run

    @pytest.mark.parametrize(
        "columns",
        [
            {"i": [[1], [-(2**63)], [2**63 - 1]], "f": [[0.5], [float("inf")], [-0.0]]},
            {"i": [[1], [2], [3]], "b": [[b"x"], [b""], ["größe".encode()]]},
            {"i": [[1, 2], [3], []], "f": [[0.5], [1.5], [2.5]]},
            {"i": [[1, 2], [], [3]]},
            {"i": [[1], None, [3]], "b": [[b"x"], [b"y"], None]},
        ],
    )
    def test_examples_hold_the_batch(self, write, columns):
        import pyarrow as pa
        import tensorflow as tf
        from tensorflow_metadata.proto.v0 import schema_pb2

        types = {"i": pa.int64(), "f": pa.float32(), "b": pa.large_binary()}
        schema = schema_pb2.Schema()
        for name in columns:
            kind = {"i": schema_pb2.INT, "f": schema_pb2.FLOAT, "b": schema_pb2.BYTES}[name]
            schema.feature.add(name=name, type=kind)
        batch = pa.RecordBatch.from_arrays(
            [pa.array(v, pa.large_list(types[n])) for n, v in columns.items()], list(columns)
        )
        records = write(batch, schema)
        assert len(records) == len(batch)
        for number, record in enumerate(records):
            features = tf.train.Example.FromString(record).features.feature
            found = {n: [*getattr(f, f.WhichOneof("kind")).value] if f.WhichOneof("kind") else []
                     for n, f in features.items()}  # fmt: skip
            assert {n: found.get(n, []) for n in columns} == {
                n: values[number] or [] for n, values in columns.items()
            }

    def test_the_bytes_are_the_same_each_time(self, write):
        import pyarrow as pa
        import tensorflow as tf
        from tensorflow_metadata.proto.v0 import schema_pb2

        names = [f"column {i}" for i in range(20)]
        schema = schema_pb2.Schema()
        for name in names:
            schema.feature.add(name=name, type=schema_pb2.INT)
        arrays = [pa.array([[i], [i + 1]], pa.large_list(pa.int64())) for i in range(20)]
        for record in write(pa.RecordBatch.from_arrays(arrays, names), schema):
            again = tf.train.Example.FromString(record).SerializeToString(deterministic=True)
            assert record == again
