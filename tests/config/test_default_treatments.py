"""Which treatment a column gets where the configuration leaves it out."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from tfx_pipeline.cli import main
from tfx_pipeline.config import data_sample
from tfx_pipeline.config.default_treatments import ColumnFacts, decide, described
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.config.treatment import INTEGER, NUMBER, TEXT


def text(name="x", present=1000, **facts):
    return ColumnFacts(name, TEXT, 1000, present, **{"mean_length": 8.0, **facts})


def number(low, high, deciles, kind=NUMBER, name="x", present=1000, **facts):
    values = {"low": low, "high": high, "deciles": deciles, **facts}
    return ColumnFacts(name, kind, 1000, present, **values)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (text(distinct=3), "{transform: vocabulary, top_k: 20}"),
        (text(distinct=400), "{transform: vocabulary, top_k: 512, min_frequency: 2}"),
        (text(distinct=1), "left out"),
        (text(distinct=1, declared="image"), "{transform: image}"),
        (text(distinct=900, examples=("__BYTES_VALUE__",)), "left out"),
        (text(distinct=1, present=900), "{transform: vocabulary, top_k: 20}"),
        (text(distinct=0, present=0), "left out"),
        (text(distinct=998), "left out"),
        (text(name="customer id", distinct=700), "left out"),
        (
            ColumnFacts("x", TEXT, 90_000, 90_000, distinct=20_000),
            "{transform: hash, buckets: 8192}",
        ),
        (number(0, 23, (2, 12, 21), INTEGER), "{transform: integer, min: 0, max: 23}"),
        (number(1, 5, (1, 3, 5), INTEGER, int_range=(0, 9)), "{transform: integer}"),
        (number(0, 1, (0, 0, 1), INTEGER), "{transform: integer, min: 0, max: 1}"),
        (number(4, 4, (4, 4, 4), INTEGER), "left out"),
        (number(17, 90, (22, 37, 58), INTEGER), "{transform: zscore}"),
        (number(1, 1600, (160, 800, 1440), INTEGER), "left out"),
        (number(9, 9e8, (1e3, 4e5, 8e8), INTEGER, "customer_id"), "left out"),
        (number(9, 9e8, (1e3, 4e5, 8e8), INTEGER, "customerId"), "left out"),
        (number(1, 265, (48, 161, 236), INTEGER, "width"), "{transform: zscore}"),
        (
            number(501, 99950, (8e3, 4.8e4, 9.1e4), INTEGER, "zip"),
            "{transform: hash, buckets: 1000}",
        ),
        (number(-3.5, 3.4, (-1.3, 0, 1.3)), "{transform: zscore}"),
        (number(0, 70, (0.1, 0.7, 2.8)), "{transform: log}"),
        (number(0, 9e4, (0, 0, 0)), "{transform: log}"),
        (number(-70, 900, (-0.1, 0.7, 9)), "{transform: buckets, buckets: 20}"),
        (number(-900, 7, (-90, 0.7, 2)), "{transform: buckets, buckets: 20}"),
        (number(-900, 900, (-1, 0, 1)), "{transform: buckets, buckets: 20}"),
        (number(-3, 3, (-1, 0, 1), present=900), "{transform: zscore, indicator: true}"),
    ],
)
def test_the_treatment(facts, expected):
    decision = decide(facts)
    assert described(decision.settings) == expected
    assert decision.reason


def test_a_column_that_is_named_is_not_taken_for_an_identifier():
    facts = number(1, 1600, (160, 800, 1440), INTEGER)
    assert decide(facts, named=True).settings == {"transform": "zscore"}
    assert decide(text(distinct=1), named=True).settings is None


def test_missing_values_are_said():
    reason = decide(number(-3, 3, (-1, 0, 1), present=900)).reason
    assert reason == "a number, missing in 10 %"


PIPELINE = """\
name: shop
data: {path: rows.csv, missing: ["?"]}
columns: {zip: text}
label: {name: bought, task: binary}
"""


@pytest.fixture
def shop(tmp_path):
    rows = [
        {
            "id": i,
            "zip": f"0{i % 7}",
            "price": 1.5 ** (i % 20),
            "kind": "ab"[i % 2],
            "same": 1,
            "bought": i % 3 % 2,
            "month": i % 12 if i % 10 else "?",
        }
        for i in range(600)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    return tmp_path / "pipeline.yaml"


def test_check_prints_what_is_decided_and_why(shop):
    done = CliRunner().invoke(main.main, ["check", "--config", str(shop)])
    assert done.exit_code == 0, done.output
    for line in (
        "#   id     left out  (an identifier, by its name and its many values)",
        "#   zip    {transform: vocabulary, top_k: 20}  (text, 7 values)",
        "#   price  {transform: log}  (a number with a long tail of high values)",
        "#   same   left out  (one value only)",
        "#   month  {transform: integer, min: 0, max: 11}  (whole numbers from 0 to 11)",
    ):
        assert line in done.output
    done = CliRunner().invoke(main.main, ["check", "--json", "--config", str(shop)])
    decided = json.loads(done.stdout)["decided"]
    assert decided["same"] == {"treatment": None, "reason": "one value only"}


def test_only_columns_that_are_left_out_are_decided(shop):
    shop.write_text(PIPELINE + "features: {price: {transform: zscore}, kind: {}, month: }\n")
    config = load_config(shop)
    assert config.undecided
    assert list(data_sample.used(config, data_sample.facts(config))) == ["kind", "month"]
    assert [feature.transform for feature in config.features.values()] == ["zscore", "auto", "auto"]


def test_settings_need_a_transform(shop):
    from tfx_pipeline.errors import ConfigError

    with pytest.raises(ConfigError, match=r"features\.price.*has no 'transform'"):
        load_config(shop, ["features.price={top_k: 5}"])
