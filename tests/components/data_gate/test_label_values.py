"""Labels that are none of the classes: counted in the raw rows, with a setting that fits."""

from __future__ import annotations

import collections

import pytest

pytestmark = pytest.mark.tensorflow

BINARY = "Without label.classes, a binary label is 0/false/no or 1/true/yes"


def judged(values, task="binary", classes=()):
    """The finding's text and the advice for values with numbers of rows."""
    from tfx_pipeline.components.data_gate import label_values

    rule = label_values.Rule("y", task, tuple(classes))
    counts = collections.Counter(values)
    finding = label_values.finding(rule, counts)
    if finding is None:
        return None
    assert (finding.subject, finding.rule) == ("y", "label of no class")
    advice = label_values.suggestion(rule, counts)
    assert "Correct the data" in advice
    return finding.found, advice.partition(". ")[0]


@pytest.mark.parametrize(
    ("task", "classes", "values"),
    [
        ("binary", (), {0: 3, 1: 4}),
        ("binary", (), {0.0: 3, 1.0: 4}),
        ("binary", (), {"No": 3, "yes": 4, "TRUE": 1}),
        ("binary", ("1", "2"), {1: 3, 2: 4}),
        ("binary", ("No", "Yes "), {"No": 3, "Yes ": 4}),
        ("multiclass", (), {"a": 3, "b ": 4, "": 1}),
        ("multiclass", (), {1.0: 3, 2.0: 4}),
        ("multiclass", ("1", "2"), {1.0: 3, 2.0: 4}),
        ("binary", (), {}),
    ],
)
def test_labels_of_the_classes_pass(task, classes, values):
    assert judged(values, task, classes) is None


def test_one_and_two():
    assert judged({1: 1200, 2: 800}) == (
        f'"2" in 800 rows, of 2,000 rows. {BINARY}',
        'For these two classes set label.classes: ["1", "2"]',
    )


def test_minus_one_and_one():
    found, advice = judged({-1: 1, 1: 9})
    assert found == f'"-1" in 1 row, of 10 rows. {BINARY}'
    assert advice == 'For these two classes set label.classes: ["-1", "1"]'


def test_a_blank_at_the_end():
    found, advice = judged({"No": 6, "Yes ": 4})
    assert found.startswith('"Yes " in 4 rows, of 10 rows')
    assert advice == 'For these two classes set label.classes: ["No", "Yes "]'


def test_blanks_in_some_rows_are_no_further_classes():
    found, advice = judged({"no": 6, "yes": 4, "yes ": 1})
    assert found.startswith('"yes " in 1 row, of 11 rows')
    assert advice.startswith("Correct the data")


def test_three_classes_of_a_binary_label():
    found, advice = judged({0: 5, 1: 4, 2: 3})
    assert found.startswith('"2" in 3 rows, of 12 rows')
    setting = 'label.task: multiclass and label.classes: ["0", "1", "2"]'
    assert advice == f"For 3 classes set {setting}"


@pytest.mark.parametrize("classes", [(), ("1", "1.5", "2", "2.5")])
def test_classes_with_fractions(classes):
    found, advice = judged({1.0: 5, 1.5: 4, 2.0: 3, 2.5: 2}, "multiclass", classes)
    assert found.startswith('"1.5" in 4 rows, "2.5" in 2 rows, of 14 rows')
    assert advice.startswith("For numbers with fractions set label.task: regression")


def test_a_class_that_is_not_configured():
    found, advice = judged({"a": 5, "b": 4, "c": 3}, "multiclass", ("b", "a"))
    assert found == '"c" in 3 rows, of 12 rows. The classes are ["b", "a"]'
    assert advice == 'For 3 classes set label.classes: ["b", "a", "c"]'


def test_many_values_are_counted_together():
    found, advice = judged({number: 100 - number for number in range(2, 32)})
    assert '"9" in 91 rows, 22 other values in ' in found
    assert advice.startswith("Correct the data")


COLUMNS = {
    "integers": ([1, 2, 2, None], {1: 2, 2: 4}),
    "floats": ([1.0, 1.5, float("nan"), None], {1.0: 2, 1.5: 2}),
    "texts": (["No", "Yes ", "", None], {"No": 2, "Yes ": 2}),
    "no values": ([None, None], {}),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_the_rows_of_all_splits_are_counted(tmp_path, case):
    from tests.components.harness import examples
    from tfx_pipeline.components.data_gate import label_values

    values, expected = COLUMNS[case]
    rows = [{"x": 1, **({} if value is None else {"y": value})} for value in values]
    # The harness writes the rows into two splits, as TFRecord files without columns beside them.
    assert label_values.count([examples(tmp_path, rows)], "y") == expected


@pytest.mark.parametrize("case", COLUMNS)
def test_the_columns_file_is_counted_in_the_same_way(tmp_path, case):
    import pyarrow as pa

    from tests.components.harness import examples
    from tfx_pipeline.components.common import column_store, example_files
    from tfx_pipeline.components.data_gate import label_values

    values, expected = COLUMNS[case]
    types = {int: pa.int64(), float: pa.float32(), str: pa.large_binary()}
    found = [types[type(value)] for value in values if value is not None]
    array = pa.array(values, found[0] if found else pa.null())
    batch = pa.RecordBatch.from_arrays([pa.array(range(len(values))), array], ["x", "y"])
    artifact = examples(tmp_path, [])  # only the columns have rows
    for split in ("train", "test"):
        (path,) = example_files.files([artifact], split)
        target = column_store.path_for(path)
        (tmp_path / "columns" / f"Split-{split}").mkdir(parents=True)
        with column_store.Writer(target, batch.schema) as writer:
            writer.add(batch)
    assert label_values.count([artifact], "y") == expected
