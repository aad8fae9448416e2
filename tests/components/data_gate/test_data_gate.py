"""DataGate: anomalies become findings, and the run stops."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.tensorflow

SCHEMA = """
feature { name: "fare" type: FLOAT presence { min_count: 1 } shape { dim { size: 1 } } }
feature { name: "kind" type: BYTES domain: "kinds" presence { min_count: 1 } }
feature { name: "label" type: INT presence { min_count: 1 } }
string_domain { name: "kinds" value: "cash" value: "card" }
"""
GOOD = {"fare": [[1.0], [2.0]], "kind": [[b"cash"], [b"card"]], "label": [[0], [1]]}


def gate(
    folder,
    tables,
    on_anomaly="fail",
    task="binary",
    refused=True,
    schema_text=SCHEMA,
    examples=(),
    classes=None,
):
    """Statistics and TFX's own validation of small tables, then the gate."""
    import pyarrow as pa
    import tensorflow_data_validation as tfdv
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.types import artifact_utils, standard_artifacts

    from tfx_pipeline.components.data_gate.executor import Executor

    schema = text_format.Parse(schema_text, schema_pb2.Schema())
    anomalies, statistics, schema_artifact = (
        standard_artifacts.ExampleAnomalies(),
        standard_artifacts.ExampleStatistics(),
        standard_artifacts.Schema(),
    )
    anomalies.uri, statistics.uri = str(folder / "anomalies"), str(folder / "statistics")
    schema_artifact.uri = str(folder / "schema")
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_text(schema_text)
    for artifact in (anomalies, statistics):
        artifact.split_names = artifact_utils.encode_split_names(list(tables))
    for split, table in tables.items():
        arrays = [pa.array(values) for values in table.values()]
        batch = pa.RecordBatch.from_arrays(arrays, list(table))
        stats = stats_of(tfdv, batch)
        found = tfdv.validate_statistics(stats, schema)
        save(folder / "anomalies" / f"Split-{split}" / "SchemaDiff.pb", found)
        save(folder / "statistics" / f"Split-{split}" / "FeatureStats.pb", stats)
    properties = {"label": "label", "task": task, "on_anomaly": on_anomaly, "classes": classes}
    inputs = {"anomalies": [anomalies], "statistics": [statistics], "schema": [schema_artifact]}
    inputs["examples"] = [*examples]
    output = Executor().Do(inputs, {}, properties)
    if not output.execution_result.result_message:
        return None
    assert output.execution_result.code == (103 if refused else 0)
    body = json.loads(output.execution_result.result_message)
    rows = [(f["subject"], f["rule"], f["found"]) for f in body["findings"]]
    return body["message"], rows


def stats_of(tfdv, batch):
    from tensorflow_data_validation.statistics import stats_impl

    return stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())


def save(path, proto):
    path.parent.mkdir(parents=True)
    path.write_bytes(proto.SerializeToString())


def test_good_data_passes(tmp_path):
    assert gate(tmp_path, {"train": GOOD, "eval": GOOD}) is None


def test_a_missing_column_and_an_unknown_one(tmp_path):
    bad = {**GOOD, "new": [[1], [2]]}
    del bad["fare"]
    message, findings = gate(tmp_path, {"train": bad, "eval": bad})
    assert [(subject, rule) for subject, rule, _ in findings] == [
        ("fare", "column missing"),
        ("new", "unknown column"),
    ]
    assert "2 anomalies in fare, new" in message
    assert "on_anomaly" in message


def test_a_value_outside_of_its_domain_in_one_split(tmp_path):
    bad = {**GOOD, "kind": [[b"cash"], [b"shells"]]}
    _, findings = gate(tmp_path, {"train": GOOD, "eval": bad})
    ((subject, rule, found),) = findings
    assert (subject, rule) == ("kind", "unexpected string values")
    assert found.startswith("split eval: ")
    assert "shells" in found


@pytest.mark.parametrize(
    ("task", "values", "rule"),
    [
        ("binary", [[1], [1]], "label has one class"),
        ("regression", [[1], [1]], "label is constant"),
        ("binary", None, "label missing"),
    ],
)
def test_a_label_that_cannot_be_learnt(tmp_path, task, values, rule):
    bad = {**GOOD, "label": values}
    if values is None:
        del bad["label"]
    _, findings = gate(tmp_path, {"train": bad, "eval": bad}, task=task)
    assert ("label", rule) in [(subject, r) for subject, r, _ in findings]


def test_a_text_label_with_one_class(tmp_path):
    bad = {**GOOD, "label": [[b"yes"], [b"yes"]]}
    _, findings = gate(tmp_path, {"train": bad}, task="multiclass")
    assert ("label", "label has one class", "every row has yes") in findings


def test_with_warn_the_data_passes_with_a_message(tmp_path):
    bad = {**GOOD, "kind": [[b"cash"], [b"shells"]]}
    message, findings = gate(tmp_path, {"train": bad}, on_anomaly="warn", refused=False)
    assert message == "the data does not fit the schema: 1 anomaly in kind"
    assert [(subject, rule) for subject, rule, _ in findings] == [
        ("kind", "unexpected string values")
    ]


def test_columns_with_many_missing_values_are_reported(tmp_path):
    sparse = {**GOOD, "kind": [[b"cash"], None]}
    message, findings = gate(tmp_path, {"train": sparse, "eval": GOOD}, refused=False)
    assert (message, findings) == ("missing values: kind 25 %", [])


def test_infinite_values_are_reported(tmp_path):
    wild = {**GOOD, "fare": [[float("inf")], [float("-inf")]]}
    finite = {**GOOD, "fare": [[3e38], [float("nan")]]}
    one = {**GOOD, "fare": [[1.0], [float("inf")]]}
    tables = {"train": wild, "eval": finite, "test": one}
    message, findings = gate(tmp_path, tables, refused=False)
    assert findings == []
    assert message == "infinite or beyond 3.4e38, and so treated as missing: fare 3"


def test_labels_of_no_class_are_refused_with_a_setting_that_fits(tmp_path):
    from tests.components.harness import examples

    table = {**GOOD, "label": [[1], [2]]}
    raw = [examples(tmp_path / "examples", [{"label": 1}, {"label": 2}, {"label": 2}])]
    message, findings = gate(tmp_path, {"train": table}, examples=raw)
    ((subject, rule, found),) = findings
    assert (subject, rule) == ("label", "label of no class")
    assert found.startswith('"2" in 4 rows, of 6 rows')
    assert message.startswith(
        "the data does not fit the schema: 1 anomaly in label. "
        'For these two classes set label.classes: ["1", "2"]. Correct the data, or '
    )


def test_labels_of_the_configured_classes_pass(tmp_path):
    from tests.components.harness import examples

    table = {**GOOD, "label": [[1], [2]]}
    raw = [examples(tmp_path / "examples", [{"label": 1}, {"label": 2}])]
    assert gate(tmp_path, {"train": table}, examples=raw, classes='["1", "2"]') is None


def test_with_warn_labels_of_no_class_are_reported(tmp_path):
    from tests.components.harness import examples

    table = {**GOOD, "label": [[1], [2]]}
    raw = [examples(tmp_path / "examples", [{"label": 1}, {"label": 2}])]
    _, findings = gate(tmp_path, {"train": table}, "warn", refused=False, examples=raw)
    assert [rule for _, rule, _ in findings] == ["label of no class"]


COMPARATORS = """
feature { name: "fare" type: FLOAT
  drift_comparator { jensen_shannon_divergence { threshold: 0.1 } }
  skew_comparator { jensen_shannon_divergence { threshold: 0.1 } } }
feature { name: "kind" type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } }
feature { name: "label" type: INT }
dataset_constraints { num_examples_drift_comparator { min_fraction_threshold: 0.9 } }
"""


def test_comparators_that_are_not_evaluated_are_named(tmp_path):
    message, findings = gate(
        tmp_path, {"train": GOOD, "eval": GOOD}, refused=False, schema_text=COMPARATORS
    )
    assert findings == []
    assert message == (
        "not evaluated: drift comparators of fare, kind, skew comparators of fare, "
        "num_examples_drift_comparator: a run has no statistics of earlier data or of requests. "
        "Compare them with tfdv.validate_statistics (docs/troubleshooting.md), "
        "or remove the comparators from the schema"
    )


def test_comparators_inside_of_structs_and_many_columns():
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from tfx_pipeline.components.data_gate import unused_comparators

    drift = "drift_comparator { infinity_norm { threshold: 0.1 } }"
    inner = f'name: "s" type: STRUCT struct_domain {{ feature {{ name: "x" type: INT {drift} }} }}'
    names = ["a", "b", "c", "d", "e", "f", "g"]
    many = " ".join(f'feature {{ name: "{name}" type: INT {drift} }}' for name in names)
    found = [
        unused_comparators.note(text_format.Parse(text, schema_pb2.Schema()))
        for text in (f"feature {{ {inner} }}", many, SCHEMA)
    ]
    assert found[0].startswith("not evaluated: drift comparators of s.x: ")
    assert found[1].startswith("not evaluated: drift comparators of a, b, c, d, e, f and 1 more: ")
    assert found[2] == ""


def test_the_comparison_that_the_note_names(tmp_path):
    """As in docs/troubleshooting.md: with the statistics of another run, drift is found."""
    import tensorflow_data_validation as tfdv

    shells = {**GOOD, "kind": [[b"shells"], [b"shells"]]}
    for run, kinds in (("this", GOOD), ("earlier", shells)):
        (tmp_path / run).mkdir()
        gate(tmp_path / run, {"train": kinds}, refused=False, schema_text=COMPARATORS)
    this, earlier = (
        tfdv.load_stats_binary(str(tmp_path / run / "statistics/Split-train/FeatureStats.pb"))
        for run in ("this", "earlier")
    )
    schema = tfdv.load_schema_text(str(tmp_path / "this" / "schema" / "schema.pbtxt"))
    anomalies = tfdv.validate_statistics(this, schema, previous_statistics=earlier)
    assert [*anomalies.anomaly_info] == ["kind"]
    assert "Linfty distance" in anomalies.anomaly_info["kind"].description
