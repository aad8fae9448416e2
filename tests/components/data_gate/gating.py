"""Runs the gate on small tables."""

from __future__ import annotations

import json

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
    weight=None,
    gates=None,
    baseline_examples=(),
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
    (folder / "schema").mkdir(parents=True)
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
    properties["weight"] = weight
    inputs = {"anomalies": [anomalies], "statistics": [statistics], "schema": [schema_artifact]}
    properties["gates"] = json.dumps(gates) if gates else None
    inputs["examples"] = [*examples]
    inputs["baseline_examples"] = [*baseline_examples]
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
