"""The gate `bias`: shares and labels of groups, by pandas here and by the gate."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from tests.components.data_gate.gating import gate

pytestmark = pytest.mark.tensorflow

RULES = {"share": 0.05, "label_rate": 0.05, "label_mean": 0.2, "on_bias": "warn"}


def people(rows=4000, seed=1, women=0.4, rates=(0.3, 0.1), missing=0.0):
    """A table with sex and a label that is 1 at the rates of men and of women."""
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(rows) < women, "F", "M")
    rate = np.where(sex == "F", rates[1], rates[0])
    table = pd.DataFrame({"sex": sex, "label": (rng.random(rows) < rate).astype(int)})
    table.loc[rng.random(rows) < missing, "sex"] = None
    return table


def artifact(folder, table):
    from tests.components.harness import examples

    rows = [
        {name: value for name, value in row.items() if not pd.isna(value)}
        for row in table.to_dict("records")
    ]
    return examples(folder, rows)


count = itertools.count()


def run(tmp_path, table, earlier=None, task="binary", refused=False, groups=("sex",), **rules):
    """The gate's message and findings, and the file."""
    folder = tmp_path / f"run-{next(count)}"
    section = {**RULES, "groups": list(groups), **rules}
    statistics = {"train": {"label": [[value] for value in table["label"]]}}
    kind = {"O": "BYTES", "f": "FLOAT"}.get(table["label"].dtype.kind, "INT")
    if kind == "BYTES":
        statistics = {"train": {"label": [[value.encode()] for value in table["label"]]}}
    schema = f"feature {{ name: 'label' type: {kind} }}"
    found = gate(
        folder,
        statistics,
        task=task,
        refused=refused,
        schema_text=schema,
        examples=[artifact(folder / "examples", table)],
        gates={"bias": section},
        baseline_examples=[artifact(folder / "old", earlier)] if earlier is not None else [],
    )
    file = folder / "anomalies" / "data_checks.json"
    return *found, json.loads(file.read_text()) if file.exists() else {}


def checks(file, *states):
    return {
        (c["check"], c["group"]): c for c in file["checks"] if not states or c["state"] in states
    }


def test_shares_and_rates_are_those_of_pandas(tmp_path):
    table = people(missing=0.1)
    message, findings, file = run(tmp_path, table)
    assert findings == []
    named = table.assign(sex=table["sex"].fillna("missing")).groupby("sex")["label"]
    found = {one["group"]: one for one in file["groups"]}
    assert set(found) == {"F", "M", "missing"}
    for group, labels in named:
        assert found[group]["rows"] == found[group]["labels"] == len(labels)
        assert found[group]["share"] == pytest.approx(len(labels) / len(table))
        assert found[group]["rates"] == {"1": pytest.approx(labels.mean())}
    assert message.startswith('groups of sex: "M" ')
    assert [one["group"] for one in file["groups"]] == ["M", "F", "missing"]


def test_a_change_since_the_last_blessed_model(tmp_path):
    old = people()
    fewer = people(seed=2, women=0.2)
    _, findings, file = run(tmp_path, fewer, old)
    assert {row[:2] for row in findings} == {("sex", "bias: group share")}
    before, after = (table["sex"].value_counts(normalize=True) for table in (old, fewer))
    found = checks(file, "changed")
    assert set(found) == {("group share", "F"), ("group share", "M")}
    assert found["group share", "F"]["effect"] == pytest.approx(abs(after["F"] - before["F"]))
    assert found["group share", "F"]["reference"] == "last blessed model"

    less = people(seed=2, rates=(0.3, 0.02))
    message, findings, file = run(tmp_path, less, old, on_bias="fail", refused=True)
    assert message.startswith("the data is biased: bias in sex. Look at the data")
    assert [row[:2] for row in findings] == [("sex", "bias: label rate")]
    rates = [table[table["sex"] == "F"]["label"].mean() for table in (old, less)]
    (check,) = checks(file, "changed").values()
    assert check["group"] == "F"
    assert check["effect"] == pytest.approx(rates[0] - rates[1])
    assert f'"1" in "F": {100 * rates[0]:.3g} % to {100 * rates[1]:.3g} %' in findings[0][2]


def test_a_group_that_is_gone_or_new(tmp_path):
    old = people(missing=0.03)
    _, findings, file = run(tmp_path, old.dropna(), old)
    assert [row[:2] for row in findings] == [("sex", "bias: group share")]
    assert set(checks(file, "changed")) == {("group share", "missing")}
    new = pd.concat([old, pd.DataFrame({"sex": ["X"] * 400, "label": [0, 1] * 200})])
    _, _, file = run(tmp_path, new, old)
    assert ("group share", "X") in checks(file, "changed")


def test_limits_between_the_groups(tmp_path):
    table = people(missing=0.05)
    limits = {"max_rate_difference": 0.1, "min_rate_ratio": 0.8, "min_share": 0.4}
    _, findings, file = run(tmp_path, table, **limits)
    rates = table.groupby("sex")["label"].mean()
    found = checks(file, "changed")
    assert set(found) == {
        ("rate difference", ""),
        ("rate ratio", ""),
        ("least group share", "F"),
    }
    assert found["rate difference", ""]["effect"] == pytest.approx(rates["M"] - rates["F"])
    assert found["rate ratio", ""]["effect"] == pytest.approx(rates["F"] / rates["M"])
    share = (table["sex"] == "F").mean()
    assert found["least group share", "F"]["effect"] == pytest.approx(share)
    assert found["rate ratio", ""]["reference"] == "limits of gates.bias"
    assert len(findings) == 3
    fair = people(rates=(0.2, 0.2))
    wide = {"max_rate_difference": 0.0, "min_rate_ratio": 1.0, "min_share": 0.3}
    assert run(tmp_path, fair, **wide)[1] == []  # more than chance is needed


def test_each_class_of_a_multiclass_label_has_a_rate(tmp_path):
    rng = np.random.default_rng(11)
    old = people().assign(label=rng.choice(["a", "b", "c"], 4000, p=[0.5, 0.3, 0.2]))
    new = old.copy()
    women = new.index[(new["sex"] == "F") & (new["label"] == "b")]
    new.loc[women[:300], "label"] = "c"
    _, findings, file = run(tmp_path, new, old, task="multiclass", max_rate_difference=0.1)
    rates = [
        table[table["sex"] == "F"]["label"].value_counts(normalize=True) for table in (old, new)
    ]
    found = checks(file, "changed")
    assert set(found) == {("label rate", "F"), ("rate difference", "")}
    effects = (rates[1] - rates[0]).abs()
    assert found["label rate", "F"]["effect"] == pytest.approx(effects.max())
    women = next(one for one in file["groups"] if one["group"] == "F")
    assert women["rates"] == pytest.approx(rates[1].to_dict())
    assert len(findings) == 2


def test_a_regression_has_mean_labels(tmp_path):
    rng = np.random.default_rng(11)
    old = people().assign(label=np.float32(rng.normal(10, 4, 4000)))
    new = people(seed=2).assign(label=np.float32(rng.normal(10, 4, 4000)))
    new["label"] += np.where(new["sex"] == "F", 2, 0).astype("float32")
    options = {"task": "regression", "max_mean_difference": 1.5}
    _, _, file = run(tmp_path, new, old, **options)
    found = checks(file, "changed")
    assert set(found) == {("mean label", "F"), ("mean difference", "")}
    before, after = (t[t["sex"] == "F"]["label"].astype(float) for t in (old, new))
    deviation = max(before.std(ddof=0), after.std(ddof=0))
    effect = (after.mean() - before.mean()) / deviation
    assert found["mean label", "F"]["effect"] == pytest.approx(effect)
    means = new.groupby("sex")["label"].mean()
    apart = float(means["F"]) - float(means["M"])
    assert found["mean difference", ""]["effect"] == pytest.approx(apart, rel=1e-4)
    assert run(tmp_path, people(seed=3).assign(label=old["label"]), old, **options)[1] == []


def test_small_groups_are_not_judged(tmp_path):
    table = pd.concat([people(), pd.DataFrame({"sex": ["X"] * 30, "label": [1] * 30})])
    message, findings, file = run(tmp_path, table, max_rate_difference=0.5)
    assert findings == []
    assert set(checks(file, "too few rows")) == {("rate difference", "X")}
    assert "too few rows in sex 'X'" in message


def test_columns_without_groups_are_refused(tmp_path):
    table = people().assign(age=np.arange(4000) % 300)
    message, findings, _ = run(tmp_path, table, groups=["age"], refused=True)
    assert message == (
        "gates.bias.groups: age: 300 different numbers from 0 to 299, and groups are at most 50. "
        "Name a column with few values, for example one with ranges such as 18-30"
    )
    assert findings[0][:2] == ("age", "bias: groups")
    message, *_ = run(tmp_path, table, groups=["gender"], refused=True)
    assert message == "gates.bias.groups: gender: the data has no such column, or no value in it"


def test_numbers_and_booleans_are_groups(tmp_path):
    table = people().assign(child=np.arange(4000) % 2, half=np.arange(4000) % 3 / 2)
    _, _, file = run(tmp_path, table, groups=["child", "half"])
    found = [(one["feature"], one["group"]) for one in file["groups"]]
    assert sorted(found) == [
        ("child", "0"),
        ("child", "1"),
        ("half", "0"),
        ("half", "0.5"),
        ("half", "1"),
    ]


def test_no_false_alarm_on_resampled_equal_data():
    """Without any limit, so that only the noise decides."""
    from tfx_pipeline.components.data_gate import bias
    from tfx_pipeline.components.data_gate.group_counts import Group

    section = {**RULES, "share": 0.0, "label_rate": 0.0, "label_mean": 0.0}
    section |= {"max_rate_difference": 0.0, "min_rate_ratio": 1.0}
    labels = bias.Labels.of(["0", "1"], binary=True)
    rng = np.random.default_rng(7)

    def sample():
        sizes = rng.multinomial(int(np.exp(rng.uniform(np.log(200), np.log(100_000)))), shares)
        ones = rng.binomial(sizes, 0.2)
        return {
            f"g{i}": Group(rows=int(n), labels={0: int(n - k), 1: int(k)})
            for i, (n, k) in enumerate(zip(sizes, ones))
            if n
        }

    alarms = 0
    for number in range(1000):
        shares = rng.dirichlet(np.ones(2 + number % 6))
        found = bias.checks("g", sample(), sample(), labels, section)
        alarms += any(check.state == "changed" for check in found)
    assert alarms <= 10
