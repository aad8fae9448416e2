"""Labels: values of no class, too many or too few, missing ones; with a setting that fits."""

from __future__ import annotations

import collections

import pytest

pytestmark = pytest.mark.tensorflow


def judged(train, task="binary", configured=(), positive=None, missing=0, **others):
    """The judgement of the values with numbers of rows in the split train, and in others."""
    from tfx_pipeline.components.common.label_counts import LabelCounts
    from tfx_pipeline.components.data_gate import label_values

    rule = label_values.Rule("y", task, tuple(configured), positive)
    splits = {"train": (train, missing), **{name: (values, 0) for name, values in others.items()}}
    counts = {name: LabelCounts(collections.Counter(v), m) for name, (v, m) in splits.items()}
    return label_values.judge(rule, counts)


def refused(*args, **kwargs):
    """The broken rule, what was found, and the first sentence of the advice."""
    judgement = judged(*args, **kwargs)
    (finding,) = judgement.findings
    assert finding.subject == "y"
    return finding.rule, finding.found, judgement.advice.partition(". ")[0]


@pytest.mark.parametrize(
    ("task", "classes", "values"),
    [
        ("binary", (), {0: 3, 1: 4}),
        ("binary", (), {0.0: 3, 1.0: 4}),
        ("binary", (), {"No": 3, "yes": 4, "TRUE": 1}),
        ("binary", (), {1: 3, 2: 4}),
        ("binary", (), {"<=50K": 30, ">50K": 10}),
        ("binary", ("1", "2"), {1: 3, 2: 4}),
        ("binary", ("No", "Yes "), {"No": 3, "Yes ": 4}),
        ("multiclass", (), {"a": 3, "b ": 4}),
        ("multiclass", (), {1.0: 3, 2.0: 4}),
        ("multiclass", ("1", "2"), {1.0: 3, 2.0: 4}),
        ("binary", (), {}),
        ("regression", (), {0: 12}),
    ],
)
def test_labels_of_the_classes_pass(task, classes, values):
    assert judged(values, task, classes).findings == ()


def test_the_positive_class_is_said():
    note = judged({"<=50K": 30, ">50K": 10}).note
    assert note == (
        'label y: ">50K" is positive: it is the rarer value (25.0% of the labels); '
        "label.positive sets it"
    )
    assert judged({0: 1, 1: 5}).note == ""
    assert judged({"a": 3, "b": 1}, positive="a").note == ""


def test_rows_without_a_label_are_counted():
    note = judged({0: 30, 1: 10}, missing=4, eval={0: 2, 1: 2}).note
    assert note == "no label y in 4 of 48 rows (train 4): left out of training and evaluation"


def test_a_value_that_training_does_not_have():
    rule, found, advice = refused({"no": 30, "yes": 10}, test={"no": 2, "maybe": 1})
    assert rule == "label of no class"
    assert found == '"maybe" in 1 row, of 43 rows. The classes are ["no", "yes"]'
    assert advice.startswith('For 3 classes set label.task: multiclass and label.classes: ["no", ')


def test_a_blank_at_the_end_is_another_value():
    rule, found, advice = refused({"no": 6, "yes": 4, "yes ": 1})
    assert rule == "a binary label has two values"
    assert found == '3 values: "no" in 6 rows, "yes" in 4 rows, "yes " in 1 row, of 11 rows'
    assert advice == "For 3 classes set label.task: multiclass"


def test_three_classes_of_a_binary_label():
    rule, found, advice = refused({0: 5, 1: 4, 2: 3})
    assert rule == "a binary label has two values"
    assert found == '3 values: "0" in 5 rows, "1" in 4 rows, "2" in 3 rows, of 12 rows'
    assert advice == "For 3 classes set label.task: multiclass"


def test_a_number_as_a_binary_label():
    rule, found, advice = refused({number: 100 - number for number in range(2, 32)})
    assert rule == "a binary label has two values"
    assert '"9" in 91 rows, 22 other values in ' in found
    assert advice == "For 30 classes set label.task: multiclass, for numbers regression"


@pytest.mark.parametrize("classes", [(), ("1", "1.5", "2", "2.5")])
def test_classes_with_fractions(classes):
    _, found, advice = refused({1.0: 5, 1.5: 4, 2.0: 3, 2.5: 2}, "multiclass", classes)
    assert found.startswith('"1.5" in 4 rows, "2.5" in 2 rows, of 14 rows')
    assert advice.startswith("For numbers with fractions set label.task: regression")


def test_a_class_that_is_not_configured():
    _, found, advice = refused({"a": 5, "b": 4, "c": 3}, "multiclass", ("b", "a"))
    assert found == '"c" in 3 rows, of 12 rows. The classes are ["b", "a"]'
    assert advice == 'For 3 classes set label.classes: ["b", "a", "c"]'


def test_ten_thousand_classes():
    rule, found, advice = refused({f"name {i}": 2 for i in range(10_000)}, "multiclass")
    assert rule == "label has too many classes"
    assert found.startswith("10,000 different values in 20,000 rows, for example ")
    assert advice.startswith("Is it the right column? For numbers set label.task: regression; or")
    names = [f"name {i}" for i in range(10_000)]
    assert judged(dict.fromkeys(names, 2), "multiclass", names).findings == ()


def test_a_rare_class_outside_of_training_is_said_but_not_refused():
    judgement = judged({"a": 5, "b": 4}, "multiclass", test={"c": 1})
    assert judgement.findings == ()
    assert judgement.note.endswith('which count as errors: "c" (1 row)')


def test_a_positive_class_that_no_row_has():
    rule, found, advice = refused({"<=50K": 30, ">50K": 10}, positive=">50k")
    assert rule == "label.positive is a value of the label"
    assert found.startswith('label.positive is ">50k", which no row has: "<=50K" in 30 rows')
    assert advice == "Did you mean '>50K'?"


def test_a_text_as_the_label_of_a_regression():
    rule, found, advice = refused({"12,5": 3, "n/a": 1}, "regression")
    assert rule == "label is a number"
    assert found == '"12,5" in 3 rows, "n/a" in 1 row, of 4 rows'
    assert advice == "For classes set label.task: binary or multiclass"


COLUMNS = {
    "integers": ([1, 2, 2, None], {1: 1, 2: 2}),
    "floats": ([1.0, 1.5, float("nan"), None], {1.0: 1, 1.5: 1}),
    "texts": (["No", "Yes ", "", None], {"No": 1, "Yes ": 1}),
    "no values": ([None, None], {}),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_the_rows_of_each_split_are_counted(tmp_path, case):
    from tests.components.harness import examples
    from tfx_pipeline.components.common import label_counts

    values, expected = COLUMNS[case]
    rows = [{"x": 1, **({} if value is None else {"y": value})} for value in values]
    # The harness writes the rows into two splits, as TFRecord files without columns beside them.
    counts = label_counts.count([examples(tmp_path, rows)], "y")
    missing = len(values) - sum(expected.values())
    for split in ("train", "test"):
        assert (counts[split].values, counts[split].missing) == (expected, missing)
        assert counts[split].rows == len(values)


@pytest.mark.parametrize("case", COLUMNS)
def test_the_columns_file_is_counted_in_the_same_way(tmp_path, case):
    import pyarrow as pa

    from tests.components.harness import examples
    from tfx_pipeline.components.common import column_store, example_files, label_counts

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
    counts = label_counts.count([artifact], "y")
    assert {split: found.values for split, found in counts.items()} == {
        "train": expected,
        "test": expected,
    }
    assert label_counts.of_training(counts) == expected


def test_weights_that_are_refused(tmp_path):
    from tests.components.harness import examples
    from tfx_pipeline.components.data_gate import row_weights

    rows = [{"w": 1.0}, {"w": -2.0}, {"w": float("nan")}, {}]
    found = row_weights.findings([examples(tmp_path / "a", rows)], "w")
    assert [(f.subject, f.rule) for f in found] == [
        ("w", "every row has a weight"),
        ("w", "a weight is not negative"),
    ]
    assert (
        found[0].found == "split train: missing in 2 of 4 rows; split test: missing in 2 of 4 rows"
    )
    assert found[1].found.startswith("split train: negative in 1 of 4 rows, the lowest is -2;")
    (zero,) = row_weights.findings([examples(tmp_path / "b", [{"w": 0}, {"w": 0}])], "w")
    assert zero.found.startswith("split train: every weight is 0")
    (text,) = row_weights.findings([examples(tmp_path / "c", [{"w": "x"}])], "w")
    assert text.found.startswith("split train: text, for example 'x'")
    assert row_weights.findings([examples(tmp_path / "d", [{"w": 0}, {"w": 2}])], "w") == []
