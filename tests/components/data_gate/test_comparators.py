"""Comparators of a schema that nothing evaluates are named."""

from __future__ import annotations

import pytest

from tests.components.data_gate.gating import GOOD, SCHEMA, gate

pytestmark = pytest.mark.tensorflow

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
