"""What `init` decides about tables made for one question each."""

from __future__ import annotations

import csv
import random

import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.profiling import found_data, label_choice, plan, sample

ROWS = 400


def decide(folder, columns, label="y", delimiter=",", encoding="utf-8"):
    """The plan for a table of the given columns: lists, or functions of the row's number."""
    rng = random.Random(1)
    columns = {"x": lambda i: f"{rng.gauss(0, 1):.3f}", "y": lambda i: ["no", "yes"][i % 2]} | {
        **columns
    }
    file = folder / "table.csv"
    with open(file, "w", newline="", encoding=encoding) as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(columns)
        made = {
            n: v if isinstance(v, list) else [v(i) for i in range(ROWS)] for n, v in columns.items()
        }
        writer.writerows(zip(*made.values()))
    return plan.make(sample.read(found_data.find(str(file))), label)


def feature(decided, name):
    return next(choice for choice in decided.features if choice.profile.name == name)


TYPES = {
    "zip codes": (lambda i: f"{(i * 37) % 99:05d}", "text", "text"),
    "whole numbers": (lambda i: str(i * 7919 % 1000), "integer", None),
    "numbers": (lambda i: f"{i * 0.37:.2f}", "number", None),
    "numbers with blanks": (lambda i: "" if i % 7 == 0 else f"{i * 0.37:.2f}", "number", None),
    "scientific numbers": (lambda i: f"{(i + 1) * 0.37:.3e}", "number", None),
    "true and false": (lambda i: str(i % 3 == 0), "boolean", "boolean"),
    "Y and N": (lambda i: "YN"[i % 3 == 0], "boolean", "boolean"),
    "days": (lambda i: f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}", "datetime", "datetime"),
    "times with a zone": (
        lambda i: f"2024-03-{i % 28 + 1:02d}T10:20:30+09:00",
        "datetime",
        "datetime",
    ),
    "German days": (
        lambda i: f"{i % 28 + 1:02d}.{i % 12 + 1:02d}.2024",
        "datetime",
        {"type": "datetime", "format": "%d.%m.%Y"},
    ),
    "British days": (
        lambda i: f"{i % 28 + 1:02d}/{i % 12 + 1:02d}/2024",
        "datetime",
        {"type": "datetime", "format": "%d/%m/%Y"},
    ),
    "American days": (
        lambda i: f"{i % 12 + 1:02d}/{i % 28 + 1:02d}/2024 08:15",
        "datetime",
        {"type": "datetime", "format": "%m/%d/%Y %H:%M"},
    ),
    "Japanese days": (
        lambda i: f"2024年{i % 12 + 1}月{i % 28 + 1}日",
        "datetime",
        {"type": "datetime", "format": "%Y年%m月%d日"},
    ),
    "lists": (lambda i: f'["a", "b{i % 5}"]', "list", "list"),
    "texts": (lambda i: ["red", "green", "blue"][i % 3], "text", None),
    "none at all": (lambda i: "", "empty", None),
    "more than 64 bits": (lambda i: f"{10**19 + i % 9}", "text", None),
}


@pytest.mark.parametrize("case", TYPES)
def test_types(case, tmp_path):
    values, type_, declared = TYPES[case]
    decided = decide(tmp_path, {"c": values})
    assert feature(decided, "c").profile.type == type_
    if feature(decided, "c").settings is not None:
        assert decided.columns.get("c") == declared


@pytest.mark.parametrize("marker", ["?", "NA", "n/a", "-", "NULL", "nan"])
def test_markers_of_missing_numbers_are_found(marker, tmp_path):
    decided = decide(tmp_path, {"c": lambda i: marker if i % 9 == 0 else str(i * 0.5)})
    assert decided.data["missing"] == ["", marker]
    assert feature(decided, "c").settings["indicator"] is True


def test_a_dash_among_texts_is_a_text(tmp_path):
    decided = decide(tmp_path, {"c": lambda i: ["-", "a", "b"][i % 3]})
    assert "missing" not in decided.data


def test_a_suspicious_number_is_a_hint_only(tmp_path):
    decided = decide(tmp_path, {"c": lambda i: "-999" if i % 50 == 0 else str(20 + i % 60)})
    assert "missing" not in decided.data
    hints = [c for c in decided.choices if c.subject == "c" and c.level == "warning"]
    assert [(hint.decision, hint.reason.partition(";")[0]) for hint in hints] == [
        ("-999 is kept", "8 rows")
    ]


@pytest.mark.parametrize(
    ("values", "delimiter", "keys"),
    [
        (lambda i: f"{i},{i % 10}5", ";", {"decimal": ","}),
        (lambda i: f"1.{i:03d},5", ";", {"decimal": ",", "thousands": "."}),
        (lambda i: f"1,{i:03d}", ",", {"thousands": ","}),
        (lambda i: f"1,{i:03d}.25", ",", {"thousands": ","}),
        (lambda i: f"1.{i:03d}", ",", {}),
    ],
)
def test_signs_of_numbers(values, delimiter, keys, tmp_path):
    decided = decide(tmp_path, {"c": values}, delimiter=delimiter)
    assert {k: v for k, v in decided.data.items() if k != "delimiter"} == keys
    assert feature(decided, "c").profile.type in ("number", "integer")


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("customer_id", lambda i: str(100000 + i * 3), "identifier"),
        ("constant", lambda i: "7", "one value"),
        ("empty", lambda i: "", "no value"),
        ("uuid", lambda i: f"{i:032x}", "identifier"),
        ("answer", lambda i: ["N", "Y"][i % 2], "leakage"),
        ("y_code", lambda i: str(i % 2 + 3), "leakage"),
    ],
)
def test_columns_that_are_left_out(name, values, words, tmp_path):
    chosen = feature(decide(tmp_path, {name: values}), name)
    assert chosen.settings is None
    assert words in chosen.reason


def test_a_number_that_is_the_label_in_other_units_leaks(tmp_path):
    rng = random.Random(2)
    celsius = [rng.gauss(15, 8) for _ in range(ROWS)]
    columns = {"y": [f"{c:.4f}" for c in celsius], "f": [f"{c * 1.8 + 32:.4f}" for c in celsius]}
    decided = decide(tmp_path, columns)
    assert decided.label.task == "regression"
    assert "leakage" in feature(decided, "f").reason
    assert feature(decided, "x").settings is not None


def test_days_of_which_the_last_has_most_rows_split_nothing(tmp_path):
    days = [
        f"2024-{i // 28 % 12 + 1:02d}-{i % 28 + 1:02d}" if i < 150 else "2025-01-01"
        for i in range(ROWS)
    ]
    numbers = [f"{i * 7 % 90}.5" for i in range(ROWS)]
    assert "time" not in decide(tmp_path, {"y": numbers, "sold_at": days}).split


def test_a_number_that_no_row_with_a_label_has_is_no_leak(tmp_path, recwarn):
    labels = [f"{i * 7 % 90}.5" if i < 300 else "" for i in range(ROWS)]
    others = ["" if label else str(i * 3 % 50) for i, label in enumerate(labels)]
    decided = decide(tmp_path, {"y": labels, "f": others})
    assert "leakage" not in feature(decided, "f").reason
    assert not recwarn.list


def test_a_customer_is_in_one_split_only(tmp_path):
    decided = decide(tmp_path, {"customer_id": lambda i: str(1000 + i * 7 % 90)})
    assert decided.split["by"] == "customer_id"
    assert feature(decided, "customer_id").settings is None
    assert feature(decided, "customer_id").kept


def test_later_rows_are_for_the_test(tmp_path):
    decided = decide(
        tmp_path, {"sold_at": lambda i: f"2024-{i // 28 % 12 + 1:02d}-{i % 28 + 1:02d}"}
    )
    assert decided.split["time"] == "sold_at"
    born = decide(tmp_path, {"birth_date": lambda i: f"19{i % 70 + 20}-05-{i % 28 + 1:02d}"})
    assert "time" not in born.split


@pytest.mark.parametrize(("values", "words"), [(3, "only 6 rows"), (60, "the test is fair")])
def test_equal_rows_are_pointed_out(values, words, tmp_path):
    decided = decide(tmp_path, {"x": lambda i: f"v{i // 2 % values}"})
    (found,) = (choice for choice in decided.choices if choice.subject == "duplicates")
    assert found.level == "warning"
    assert words in found.reason


def test_high_cardinality_is_hashed(tmp_path):
    rows = 13_000
    columns = {
        "x": [str(i % 977) for i in range(rows)],
        "y": [str(i % 2) for i in range(rows)],
        "c": [f"v{i * 7 % 6500}" for i in range(rows)],
    }
    assert feature(decide(tmp_path, columns), "c").settings["transform"] == "hash"


LABELS = {
    "two texts": (lambda i: [">50K", "<=50K"][i % 4 > 0], "binary", ">50K"),
    "zero and one": (lambda i: str(i % 2), "binary", "1"),
    "zero and one as floats": (lambda i: f"{i % 2}.0", "binary", "1"),
    "yes and no": (lambda i: ["yes", "no"][i % 2], "binary", "yes"),
    "true and false": (lambda i: str(i % 2 == 0), "binary", "True"),
    "three texts": (lambda i: "abc"[i % 3], "multiclass", None),
    "few whole numbers": (lambda i: str(i % 5), "multiclass", None),
    "many whole numbers": (lambda i: str(i % 90), "regression", None),
    "numbers": (lambda i: f"{i * 0.37:.2f}", "regression", None),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels(case, tmp_path):
    values, task, positive = LABELS[case]
    decided = decide(tmp_path, {"y": values})
    assert (decided.label.task, decided.label.positive) == (task, positive)


def test_a_rare_class_is_pointed_out(tmp_path):
    decided = decide(tmp_path, {"y": lambda i: "fraud" if i % 40 == 0 else "fine"})
    assert decided.label.positive == "fraud"
    assert [c.decision for c in decided.label.choices if c.level == "warning"] == ["imbalanced"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"y": lambda i: "a"}, ["'y'", "one value only", "'a'"]),
        ({"y": lambda i: ""}, ["'y'", "0 rows"]),
        ({"y": lambda i: f"c{i}"}, ["400 values in 400 rows"]),
        ({"y": ["a"], "x": ["1"]}, ["1 row", "At least 20"]),
        ({"y": [f"t{i}" for i in range(10_000)], "x": ["1", "2"] * 5000}, ["10,000 different"]),
        ({"x": lambda i: "", "y": lambda i: str(i % 2)}, ["no column to predict 'y' from"]),
    ],
)
def test_what_cannot_be_predicted_is_one_sentence(columns, words, tmp_path):
    with pytest.raises(ConfigError) as error:
        decide(tmp_path, columns)
    assert all(word in str(error.value) for word in ["table.csv", *words]), str(error.value)


def test_an_unknown_label_gets_a_suggestion(tmp_path):
    with pytest.raises(ConfigError, match="no column 'Y'"):
        decide(tmp_path, {}, label="Y")


def test_a_column_of_mixed_types_is_named_with_line_and_value(tmp_path):
    decided = decide(tmp_path, {"c": lambda i: "abc" if i == 123 else str(i % 90)})
    [warning] = [c for c in decided.choices if c.subject == "c" and c.level == "warning"]
    assert all(word in warning.reason for word in ("'abc'", "line 125", "1 value of 400"))


def test_a_line_of_another_length_is_named(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("a,b\n" + "1,2\n" * 50 + "1,2,3\n" + "4,5\n" * 50)
    with pytest.raises(ConfigError, match=r"t\.csv, line 52: has 3 values, the header 2"):
        sample.read(found_data.find(str(file)))


def test_candidates_for_the_label(tmp_path):
    file = tmp_path / "t.csv"
    rows = "".join(f"{i},{i % 7 * 1.5},{i % 3},{'ny'[i % 2]}\n" for i in range(100))
    file.write_text("id,amount,kind,churn\n" + rows)
    columns, _ = plan.profiles(sample.read(found_data.find(str(file))), None)
    found = [choice.subject for choice in label_choice.candidates(columns)]
    assert found[0] == "churn"
    assert "id" not in found
