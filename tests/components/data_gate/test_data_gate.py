"""DataGate: anomalies become findings, and the run stops."""

from __future__ import annotations

import pytest

from tests.components.data_gate.gating import GOOD, SCHEMA, gate

pytestmark = pytest.mark.tensorflow


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


def test_columns_without_a_value_to_learn_from_are_reported(tmp_path):
    tables = {"train": {**GOOD, "kind": [None, None]}, "eval": GOOD}
    optional = SCHEMA.replace('domain: "kinds" presence { min_count: 1 }', 'domain: "kinds"')
    message, findings = gate(tmp_path, tables, refused=False, schema_text=optional)
    assert message == (
        "missing values: kind 50 %; "
        "no value in the split train, so the model cannot learn from it: kind"
    )
    assert findings == []


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
    raw = [examples(tmp_path / "examples", [{"label": 1}, {"label": 2}, {"label": 3}])]
    message, findings = gate(tmp_path, {"train": table}, examples=raw)
    ((subject, rule, found),) = findings
    assert (subject, rule) == ("label", "a binary label has two values")
    assert found.startswith('3 values: "1" in 2 rows, "2" in 2 rows, "3" in 2 rows, of 6 rows')
    assert message.startswith(
        "the data does not fit the schema: 1 anomaly in label. "
        "For 3 classes set label.task: multiclass. Correct the data, or "
    )


def test_weights_are_checked_and_rows_without_a_label_are_counted(tmp_path):
    from tests.components.harness import examples

    rows = [{"label": 1, "w": 1.0}, {"label": 0, "w": -1.0}, {"w": 2.0}]
    raw = [examples(tmp_path / "examples", rows)]
    message, findings = gate(tmp_path / "a", {"train": GOOD}, examples=raw, weight="w")
    assert [finding[:2] for finding in findings] == [("w", "a weight is not negative")]
    assert "leave out label.weight" in message
    message, findings = gate(tmp_path / "b", {"train": GOOD}, examples=raw, refused=False)
    expected = (
        "no label label in 2 of 6 rows (train 1, test 1): left out of training and evaluation"
    )
    assert (message, findings) == (expected, [])


def test_labels_of_the_configured_classes_pass(tmp_path):
    from tests.components.harness import examples

    table = {**GOOD, "label": [[1], [2]]}
    raw = [examples(tmp_path / "examples", [{"label": 1}, {"label": 2}])]
    assert gate(tmp_path, {"train": table}, examples=raw, classes='["1", "2"]') is None


def test_with_warn_labels_of_no_class_are_reported(tmp_path):
    from tests.components.harness import examples

    table = {**GOOD, "label": [[1], [2]]}
    raw = [examples(tmp_path / "examples", [{"label": 0}, {"label": 1}, {"label": 7}])]
    _, findings = gate(tmp_path, {"train": table}, "warn", refused=False, examples=raw)
    assert [rule for _, rule, _ in findings] == ["a binary label has two values"]
