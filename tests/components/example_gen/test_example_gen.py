"""ExampleGen: the examples and splits of TFX's CsvExampleGen, and what it refuses."""

from __future__ import annotations

import json
import os
import pathlib
import pickle

import pytest

from tests.components.example_gen.ingestion import (
    SPLIT,
    ingest,
    many,
    read,
    refused,
    schema_file,
    write,
)
from tfx_pipeline import errors

pytestmark = pytest.mark.tensorflow

TAXI = pathlib.Path(__file__).parents[3] / "data" / "taxi" / "trips.csv"
NASTY = '''id,text,amount,big,mixed,empty,flag
1,plain,1.5,9223372036854775807,1,,0
-2,"with, comma",1e-5,-9223372036854775808,2.5,,1
3,"say ""hi""",-0.0,0,,,1
,"two
lines",1e39,,x,,0
5,"",inf,12,,,
6,größe ☃,.5,-1,+4,,1

7, padded ,1.,128,5,,0
8,'single',-1e-45,300,6,,0
'''


def stock(path, rename=None):
    """What TFX's CsvExampleGen makes of a file: serialized examples by split."""
    from tfx.components.example_gen import base_example_gen_executor as base
    from tfx.components.example_gen.csv_example_gen import executor
    from tfx.proto import example_gen_pb2
    from tfx_bsl.coders import csv_decoder

    lines = list(executor._ReadCsvRecordsFromTextFile().process(str(path)))
    parse = csv_decoder.ParseCSVLine(delimiter=",")
    parse.setup()
    rows = [cells for line in lines for cells, _ in parse.process(line)]
    names = pathlib.Path(path).read_text(encoding="utf-8").splitlines()[0].split(",")
    inferrer = csv_decoder.ColumnTypeInferrer(names, skip_blank_lines=True)
    types = inferrer.create_accumulator()
    for cells in rows:
        types = inferrer.add_input(types, cells)
    infos = inferrer.extract_output(types)
    to_example = executor._ParsedCsvToTfExample()
    examples = [example for cells in rows for example in to_example.process(cells, infos)]
    result = {name: [] for name in SPLIT}
    config = example_gen_pb2.SplitConfig()
    for example in examples:
        index = base._PartitionFn(example, 3, [6, 8, 10], config)
        result[list(SPLIT)[index]].append(example.SerializeToString(deterministic=True))
    return result


def with_absent_values(splits):
    """Stock's examples, lists without values replaced by features without a kind."""
    import tensorflow as tf

    def cleared(record):
        example = tf.train.Example.FromString(record)
        for feature in example.features.feature.values():
            kind = feature.WhichOneof("kind")
            if kind and not getattr(feature, kind).value:
                feature.ClearField(kind)
        return example.SerializeToString(deterministic=True)

    return {split: [cleared(record) for record in records] for split, records in splits.items()}


def test_the_real_data_gives_stock_bytes_and_splits(tmp_path):
    artifact, output, _ = ingest(tmp_path, TAXI.parent)
    assert output is None
    ours = read(artifact)
    assert ours == with_absent_values(stock(TAXI))
    assert sum(len(rows) for rows in ours.values()) == 15002
    assert json.loads(artifact.split_names) == list(SPLIT)
    assert artifact.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    assert artifact.get_string_custom_property("file_format") == "tfrecords_gzip"


def test_splits_are_hashed_from_stock_bytes():
    from tfx_pipeline.components.example_gen import table_sources

    source = table_sources.CsvSource(tuple(TAXI.open().readline().strip().split(",")), {})
    profile = source.profile(str(TAXI))
    keys = [k for b in source.records(str(TAXI), profile.kinds) for k in b.keys.to_pylist()]
    assert sorted(keys) == sorted(record for records in stock(TAXI).values() for record in records)


def test_statistics_count_missing_values(tmp_path):
    import tensorflow_data_validation as tfdv

    artifact, _, _ = ingest(tmp_path, TAXI.parent)
    pattern = str(pathlib.Path(artifact.uri, "Split-train", "*"))
    statistics = tfdv.generate_statistics_from_tfrecord(pattern)
    common = {
        f.path.step[0]: getattr(f, f.WhichOneof("stats")).common_stats
        for f in statistics.datasets[0].features
    }
    company = common["company"]
    assert 0.3 < company.num_missing / (company.num_missing + company.num_non_missing) < 0.4
    assert company.min_num_values == 1


def test_a_schema_that_says_what_is_inferred_gives_the_same_bytes(tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema_file(
        schema, fare="FLOAT", company="BYTES", trip_seconds="INT", pickup_census_tract="INT"
    )
    artifact, _, _ = ingest(tmp_path, TAXI.parent, schema_path=str(schema))
    assert read(artifact) == with_absent_values(stock(TAXI))


def test_nasty_rows_give_stock_bytes(tmp_path):
    body = NASTY.split("\n", 1)[1]
    more = "".join(body.replace("plain", f"plain {i}").replace("128", str(i)) for i in range(20))
    path = write(tmp_path / "data" / "nasty.csv", NASTY + more)
    artifact, output, _ = ingest(tmp_path, path.parent)
    assert output is None, output
    assert read(artifact) == with_absent_values(stock(path))


@pytest.mark.parametrize("text", ["5", "-7", "+5", " 5", "1_000", "0x10", "1e5", "nan", "١٢"])
def test_a_value_is_inferred_as_python_reads_it(text):
    import pyarrow as pa
    from tfx_bsl.coders import csv_decoder

    from tfx_pipeline.components.example_gen import type_inference

    names = {1: "INT", 2: "FLOAT", 3: "STRING"}
    ours = type_inference.infer_kind(pa.array([text, None]))
    theirs = csv_decoder._InferValueType(text.encode())
    assert names[int(ours)] == csv_decoder.ColumnType(theirs).name


@pytest.mark.parametrize("count", [10**18, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30])
def test_an_integer_beyond_64_bits_is_text(count):
    import pyarrow as pa

    from tfx_pipeline.components.common.column_kinds import Kind
    from tfx_pipeline.components.example_gen.type_inference import infer_kind

    expected = Kind.INT if -(2**63) <= count < 2**63 else Kind.BYTES
    assert infer_kind(pa.array([str(count), "1"])) == expected


def test_types_are_inferred_over_all_files(tmp_path):
    write(tmp_path / "data" / "a.csv", many("id,x\n", "{i},1\n"))
    write(tmp_path / "data" / "b.csv", many("id,x\n", "{i},1.5\n"))
    artifact, _, _ = ingest(tmp_path, tmp_path / "data")
    rows = [row for rows in read(artifact).values() for row in rows]
    assert len(rows) == 120
    assert not any(b"\x1a\x03\x0a\x01\x01" in row.split(b"x\x12")[1] for row in rows)


def test_a_quote_inside_a_word_is_a_character(tmp_path):
    write(tmp_path / "c" / "t.csv", many("id,size\n", '{i},a 5" pipe {i}\n', 61))
    artifact, output, _ = ingest(tmp_path, tmp_path / "c")
    assert output is None
    assert sum(b'5" pipe' in row for rows in read(artifact).values() for row in rows) == 61


def test_the_fingerprint_is_of_the_content(tmp_path):
    csv = write(tmp_path / "c" / "t.csv", many("id,x\n", "{i},1\n"))
    before = ingest(tmp_path / "1", csv.parent)[2]["input_fingerprint"]
    os.utime(csv, (1, 1))
    write(tmp_path / "c" / "README.md", "more about it")
    assert ingest(tmp_path / "2", csv.parent)[2]["input_fingerprint"] == before
    csv.write_text(csv.read_text().replace("59,1", "59,2"))
    os.utime(csv, (1, 1))
    assert ingest(tmp_path / "3", csv.parent)[2]["input_fingerprint"] != before


def test_the_newest_span_and_version_are_read(tmp_path):
    for name, value in {"1/v1": 1, "2/v1": 2, "2/v3": 3}.items():
        path = tmp_path / "d" / f"span-{name}" / "t.csv"
        write(path, many("id,x\n", f"{{i}},{value}\n"))
    base = tmp_path / "d" / "span-{SPAN}" / "v{VERSION}"
    artifact, _, properties = ingest(tmp_path, base)
    assert (properties["span"], properties["version"]) == (2, 3)
    rows = [row for rows in read(artifact).values() for row in rows]
    assert all(b"\x0a\x01x\x12\x05\x1a\x03\x0a\x01\x03" in row for row in rows)
    assert refused(tmp_path / "2", tmp_path / "none" / "span-{SPAN}")[1][0][1] == "does not exist"


def test_the_work_can_be_sent_to_other_processes():
    from tfx_pipeline.components.common.column_kinds import Kind
    from tfx_pipeline.components.example_gen import (
        columnar_readers,
        ingestion,
        profile,
        record_readers,
        split_writer,
        table_sources,
        tfrecord_source,
        typed_source,
    )
    from tfx_pipeline.components.example_gen.typed_values import ColumnTypes
    from tfx_pipeline.config.text_format import TextFormat

    work = [
        ingestion.Unit(0, ("a.csv", "b.csv")),
        table_sources.CsvSource(("a",), {"a": Kind.INT}, TextFormat(";"), ("a",)),
        typed_source.TypedSource(columnar_readers.ColumnarReader("parquet"), ColumnTypes()),
        typed_source.TypedSource(record_readers.AvroReader(), ColumnTypes({"a": Kind.FLOAT})),
        tfrecord_source.TfRecordSource(),
        split_writer.Splits(tuple(SPLIT.items())),
        profile.Profile({"a": Kind.BYTES}, [errors.Finding("a", "rule", "found")], 1),
    ]
    assert pickle.loads(pickle.dumps(work)) == work
