"""Runs Transform and the trainer on rows, without a pipeline."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
from tfx_bsl.public import tfxio

from tfx_pipeline.compat import in_process_beam, patch, table
from tfx_pipeline.modeling import columns, trainer
from tfx_pipeline.modeling.preprocessing import preprocessing_fn

REPOSITORY = pathlib.Path(__file__).parents[2]
TAXI_ROWS = REPOSITORY / "data" / "taxi" / "trips.csv"
TAXI_SCHEMA = (REPOSITORY / "schema" / "taxi.pbtxt").read_text()

SHORT = {"steps": 40, "batch_size": 64, "eval_every": 20, "learning_rate": 0.01, "seed": 7}
"""A training of a second or two."""

Row = dict[str, Any]


def taxi_rows(first: int = 0, last: int | None = None) -> list[Row]:
    """Real rows, with each value as the schema types it and missing ones left out."""
    types = {f.name: f.type for f in columns.parse_schema(TAXI_SCHEMA).feature}
    convert = {1: str.encode, 2: lambda text: int(float(text)), 3: float}
    with open(TAXI_ROWS, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[first:last]
    return [{k: convert[types[k]](v) for k, v in row.items() if v} for row in rows]


def example(row: Row) -> bytes:
    """A serialized tf.Example of a row; the type follows the value."""
    features = {}
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        if any(isinstance(value, (str, bytes)) for value in values):
            texts = [v.encode() if isinstance(v, str) else v for v in values]
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=texts))
        elif all(isinstance(value, int) for value in values):
            features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        else:
            features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


@dataclasses.dataclass
class Transformed:
    """What Transform made: the graph's folder, and a file of rows for each split."""

    config: dict[str, Any]
    schema_path: str
    graph: str
    files: dict[str, str]

    @property
    def output(self) -> tft.TFTransformOutput:
        return tft.TFTransformOutput(self.graph)

    def rows(self, split: str = "train") -> dict[str, list]:
        """The transformed columns of a split, as lists."""
        spec = self.output.transformed_feature_spec()
        records = list(tf.data.TFRecordDataset(self.files[split], "GZIP").as_numpy_iterator())
        parsed = tf.io.parse_example(records, spec)
        return {name: values.numpy().reshape(-1).tolist() for name, values in parsed.items()}


def transform(
    folder: pathlib.Path,
    config: dict[str, Any],
    schema: str,
    splits: dict[str, list[Row]],
    compat_v1: bool = True,
) -> Transformed:
    """Analyses the split `train` and transforms all, patched as the component Transform."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schema.pbtxt").write_text(schema)
    parsed = columns.parse_schema(schema)
    source = tfxio.TFExampleBeamRecord(
        physical_format="inmem", telemetry_descriptors=["tests"], schema=parsed
    )
    custom_config = {**config, "schema": schema}

    def preprocess(inputs):
        return preprocessing_fn(inputs, custom_config)

    encode = RecordBatchToExamplesEncoder().encode
    graph = str(folder / "transform_graph")
    with (
        in_process_beam.beam_pipeline([], beam.Pipeline) as pipeline,
        patch.applied([table.TRACES]),
        tft_beam.Context(temp_dir=str(folder / "tmp"), force_tf_compat_v1=compat_v1),
    ):
        batches = {
            name: pipeline
            | f"{name}/create" >> beam.Create([example(r) for r in rows], False)
            | f"{name}/decode" >> source.BeamSource()
            for name, rows in splits.items()
        }
        config_ = source.TensorAdapterConfig()
        fn = (batches["train"], config_) | tft_beam.AnalyzeDataset(preprocess)
        fn | tft_beam.WriteTransformFn(graph)
        for name, data in batches.items():
            data, _ = ((data, config_), fn) | f"{name}/transform" >> tft_beam.TransformDataset(
                output_record_batches=True
            )
            (
                data
                | f"{name}/encode" >> beam.FlatMapTuple(lambda batch, _: encode(batch))
                | f"{name}/write"
                >> beam.io.WriteToTFRecord(str(folder / name), file_name_suffix=".gz", num_shards=1)
            )
    files = {name: f"{folder}/{name}-00000-of-00001.gz" for name in splits}
    return Transformed(config, str(folder / "schema.pbtxt"), graph, files)


def train(
    transformed: Transformed,
    folder: pathlib.Path,
    model: Row | None = None,
    run_fn: Callable[[FnArgs], None] = trainer.run_fn,
    **training: Any,
) -> str:
    """Calls `run_fn` as TFX does; returns the folder of the saved model."""
    fn_args = FnArgs(
        train_files=[transformed.files["train"]],
        eval_files=[transformed.files.get("eval", transformed.files["train"])],
        schema_path=transformed.schema_path,
        transform_graph_path=transformed.graph,
        serving_model_dir=str(folder / "Format-Serving"),
        model_run_dir=str(folder / "run"),
        custom_config={**transformed.config, "model": model or {}, "training": training},
    )
    run_fn(fn_args)
    return fn_args.serving_model_dir


class Server:
    """A saved model in a graph-mode session, as TensorFlow Serving loads it."""

    def __init__(self, folder: str):
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(self.session, ["serve"], folder)
        self.signatures = loaded.signature_def

    def call(self, signature: str, **inputs: Any) -> dict[str, Any]:
        definition = self.signatures[signature]
        feed = {definition.inputs[name].name: value for name, value in inputs.items()}
        fetch = {name: info.name for name, info in definition.outputs.items()}
        return self.session.run(fetch, feed)
