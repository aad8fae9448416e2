"""The gates `drift` and `skew` in the executor: warnings, refusals, the file, comparators."""

from __future__ import annotations

import json

import pyarrow.compute as pc
import pytest

from tests.components.data_gate.gating import save
from tests.components.data_gate.taxi_statistics import LABEL, replaced, resampled, statistics

pytestmark = pytest.mark.tensorflow

COMPARATOR = """
feature { name: "fare" type: FLOAT
  drift_comparator { jensen_shannon_divergence { threshold: 0.01 } } }
"""


def section(action="warn", gate="drift", **features):
    values = {"threshold": 0.1, "share": 0.05, f"on_{gate}": action, "features": features}
    return {gate: values | ({"rows": 2.0} if gate == "drift" else {})}


def run(folder, splits, baseline, gates, schema="", on_anomaly="fail"):
    """The executor's exit code, message and findings, and the file with all checks."""
    from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
    from tfx.types import artifact_utils, standard_artifacts

    from tfx_pipeline.components.data_gate.executor import Executor

    def made(kind, name, files, of_splits):
        artifact = kind()
        artifact.uri = str(folder / name)
        artifact.split_names = artifact_utils.encode_split_names(list(of_splits))
        for split, found in of_splits.items():
            save(folder / name / f"Split-{split}" / files, found)
        return artifact

    def listed(tables):
        return {
            split: statistics_pb2.DatasetFeatureStatisticsList(datasets=[statistics(rows)])
            for split, rows in tables.items()
        }

    schema_artifact = standard_artifacts.Schema()
    schema_artifact.uri = str(folder / "schema")
    (folder / "schema").mkdir(parents=True)
    (folder / "schema" / "schema.pbtxt").write_text(schema)
    kind, name = standard_artifacts.ExampleStatistics, "FeatureStats.pb"
    none = dict.fromkeys(splits, anomalies_pb2.Anomalies())
    inputs = {
        "anomalies": [
            made(standard_artifacts.ExampleAnomalies, "anomalies", "SchemaDiff.pb", none)
        ],
        "statistics": [made(kind, "statistics", name, listed(splits))],
        "schema": [schema_artifact],
    }
    if baseline:
        inputs["baseline_statistics"] = [made(kind, "baseline", name, listed(baseline))]
    properties = {"label": LABEL, "task": "binary", "on_anomaly": on_anomaly}
    result = Executor().Do(inputs, {}, properties | {"gates": json.dumps(gates)}).execution_result
    body = json.loads(result.result_message or '{"message": "", "findings": []}')
    rows = [(f["subject"], f["rule"], f["found"]) for f in body["findings"]]
    file = folder / "anomalies" / "data_checks.json"
    return result.code, body["message"], rows, json.loads(file.read_text()) if file.exists() else {}


@pytest.fixture(scope="module")
def tables():
    old, new = resampled(4_000, 1), resampled(3_000, 2)
    return old, new, replaced(new, "fare", pc.multiply(new["fare"], 1.3))


def test_drift_warns_or_fails_by_column(tmp_path, tables):
    old, same, scaled = tables
    code, message, rows, file = run(tmp_path / "a", {"train": scaled}, {"train": old}, section())
    assert code == 0
    assert "drift in fare" in message
    assert [row[:2] for row in rows] == [("fare", "drift: distribution")]
    assert "limit 0.1" in rows[0][2]
    states = {(c["feature"], c["check"]): c["state"] for c in file["checks"]}
    assert file["version"] == 1
    assert states["fare", "distribution"] == "changed"
    assert states["payment_type", "distribution"] == "same"

    fails = section(fare={"on_drift": "fail"})
    code, message, rows, _ = run(tmp_path / "b", {"train": scaled}, {"train": old}, fails)
    assert code == 103
    assert message.startswith("the data has changed: drift in fare")
    assert [row[0] for row in rows] == ["fare"]

    code, message, rows, _ = run(tmp_path / "c", {"train": same}, {"train": old}, section("fail"))
    assert (code, rows) == (0, [])


def test_a_first_run_has_nothing_to_compare_with(tmp_path, tables):
    code, _, rows, file = run(tmp_path, {"train": tables[1]}, {}, section("fail"))
    assert (code, rows, file["checks"]) == (0, [], [])


def test_skew_between_the_splits(tmp_path, tables):
    old, same, scaled = tables
    splits = {"train": old, "eval": same, "test": scaled}
    code, _, rows, _ = run(tmp_path / "a", splits, {}, section("fail", "skew"))
    assert code == 103
    assert [row[:2] for row in rows] == [("fare", "skew: distribution")]
    assert rows[0][2].startswith("split test: median ")
    ignored = section("fail", "skew") | {"ignored": ["fare"]}
    assert run(tmp_path / "b", splits, {}, ignored)[0] == 0


def test_drift_comparators_of_the_schema_are_evaluated(tmp_path, tables):
    old, _, scaled = tables
    code, message, rows, _ = run(
        tmp_path / "a", {"train": scaled}, {"train": old}, section(), COMPARATOR
    )
    assert code == 103
    assert "1 anomaly in fare" in message
    assert "Jensen-Shannon" in rows[0][2]
    code, message, _, _ = run(tmp_path / "b", {"train": scaled}, {}, section(), COMPARATOR)
    assert code == 0
    assert "not evaluated: drift comparators of fare" in message
