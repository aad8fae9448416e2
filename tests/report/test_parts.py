"""The parts of a report, without a run."""

from __future__ import annotations

import math
import tempfile

import pytest
from markupsafe import Markup
from tensorflow_metadata.proto.v0 import statistics_pb2

from tfx_pipeline.metadata.run_record import NodeRun, Run
from tfx_pipeline.report import (
    charts,
    distributions,
    features,
    graph,
    page,
    templating,
    verdict,
)
from tfx_pipeline.report.run_facts import Artifact, NodeFacts, RunFacts


def numeric(buckets, rows=None, zeros=0, kind="FLOAT"):
    """TFDV's statistics of a numeric column: buckets are (low, high, count)."""
    feature = statistics_pb2.FeatureNameStatistics(name="x", type=kind)
    stats = feature.num_stats
    histogram = stats.histograms.add()
    for low, high, count in buckets:
        histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
    stats.common_stats.num_non_missing = rows or sum(count for *_, count in buckets)
    stats.min, stats.max, stats.num_zeros = buckets[0][0], buckets[-1][1], zeros
    stats.mean, stats.std_dev = 1.0, 1.0
    return feature


def texts(counts):
    """TFDV's statistics of a column of texts, from the counts of its values."""
    feature = statistics_pb2.FeatureNameStatistics(name="x", type="STRING")
    stats = feature.string_stats
    stats.unique = len(counts)
    stats.common_stats.num_non_missing = stats.common_stats.tot_num_values = sum(counts.values())
    for value, count in counts.items():
        stats.rank_histogram.buckets.add(label=value, sample_count=count)
    return feature


def judged(*found, rows=1000):
    """The column of a page, from its statistics in each split."""
    dataset = {
        f"split{i}": statistics_pb2.DatasetFeatureStatistics(num_examples=rows, features=[feature])
        for i, feature in enumerate(found)
    }
    (feature,) = features.features(dataset, {}, {})
    return feature


def test_compiled_templates_are_used_again_where_there_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make = templating.environment.__wrapped__
    first = make().get_template("notebook.html.jinja")
    (folder,) = tmp_path.iterdir()
    (compiled,) = folder.iterdir()
    before = compiled.stat().st_mtime_ns
    assert make().get_template("notebook.html.jinja").name == first.name
    assert compiled.stat().st_mtime_ns == before
    compiled.unlink()
    folder.rmdir()
    folder.write_text("not a folder")
    assert make().get_template("notebook.html.jinja").name == first.name


def test_bins_of_all_splits_have_the_same_ends_and_count_all_rows():
    binned = distributions.binned([numeric([(0, 10, 50), (10, 20, 50)]), numeric([(5, 25, 10)])])
    assert (binned.low, binned.high) == (0, 25)
    assert [sum(of_split) for of_split in binned.shares] == pytest.approx([1, 1])
    assert sum(binned.shares[0][:9]) == pytest.approx(0.5, abs=0.05)


def test_few_integers_have_a_bin_each():
    # TFDV's ten buckets from 1 to 7, of which three contain no integer.
    counts = [10, 20, 0, 30, 40, 0, 50, 0, 60, 70]
    edges = [1 + 0.6 * i for i in range(10)] + [7]
    train = numeric([*zip(edges, edges[1:], counts, strict=False)], kind="INT")
    test = numeric([(2, 4, 10), (4, 6, 30)], kind="INT")
    binned = distributions.binned([train, test, None])
    assert (binned.low, binned.high) == (1, 7)
    assert binned.shares[0] == pytest.approx([n / 280 for n in (10, 20, 30, 40, 50, 60, 70)])
    assert binned.shares[1] == pytest.approx([n / 120 for n in (0, 10, 10, 10, 45, 45, 0)])
    assert binned.shares[2] == []


def test_checks_name_a_group_only_if_there_is_one_and_compare_only_enough_rows():
    check = {"gate": "skew", "split": "eval", "check": "distribution", "effect": 0.0, "limit": 0.2}
    rows = [
        {**check, "feature": "fare", "group": "", "state": "too few rows", "found": "30 rows"},
        {**check, "feature": "sex", "group": "female", "state": "same", "found": "equal"},
    ]
    fragments = templating.environment().get_template("fragments.html.jinja").module
    first, second = fragments.checks_table(rows).split("<tr>")[2:]
    assert '<td class="wide">fare</td>' in first
    assert first.count('<td class="n"') == first.count("\N{EN DASH}</td>") == 2
    assert '<td class="wide">sex = female</td>' in second
    assert ">0.2</td>" in second


def test_an_axis_of_whole_numbers_has_whole_numbers():
    drawn = charts.lines([charts.Line("loss", [(1, 0.5), (2, 0.4)])], "epoch", "", "loss")
    assert ">1</text>" in drawn
    assert ">2</text>" in drawn
    assert ">1.2</text>" not in drawn
    drawn = charts.lines([charts.Line("loss", [(1.5, 0.5), (2, 0.4)])], "x", "", "loss")
    assert ">1.6</text>" in drawn


def test_a_far_value_does_not_squeeze_the_histogram():
    binned = distributions.binned([numeric([(0, 1, 990), (1, 1e6, 10)])])
    assert binned.high < 10
    assert binned.beyond == pytest.approx(0.01, abs=1e-4)


@pytest.mark.parametrize(
    "feature", [numeric([(-math.inf, -math.inf, 5)]), statistics_pb2.FeatureNameStatistics()]
)
def test_a_column_without_finite_values_has_no_bins(feature):
    assert distributions.binned([feature, None]) is None


def test_a_constant_column_has_its_value_in_the_middle():
    binned = distributions.binned([numeric([(7, 7, 30)])])
    assert binned.low < 7 < binned.high
    assert sum(binned.shares[0]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ([numeric([(0, 1, 600)])], "40 % missing"),
        ([numeric([(3, 3, 1000)])], "one value only"),
        ([texts({"only": 1000})], "one value only"),
        ([numeric([(0, 9, 1000)], zeros=700)], "70 % zeros"),
        ([numeric([(0, 100, 1000)])], "a value 99 deviations from the mean"),
        ([texts({str(i): 1 for i in range(1000)})], "almost every value is different"),
        (
            [texts({"a": 900, "b": 100}), texts({"a": 500, "b": 500})],
            "split1 differs from split0 by 40 %",
        ),
        ([statistics_pb2.FeatureNameStatistics(name="x")], "empty"),
    ],
)
def test_what_is_unusual_is_said(found, wanted):
    assert wanted in judged(*found).unusual


def test_a_difference_by_chance_is_not_said():
    feature = judged(texts({"a": 500, "b": 500}), texts({"a": 480, "b": 520}))
    assert feature.unusual == []
    few = judged(texts({"a": 12, "b": 8}), texts({"a": 6, "b": 14}), rows=20)
    assert few.unusual == []


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1.0, 2.5, 2.5], ["1", "2.5", "2.5"]),
        ([-87.63415527, -87.63274384], ["-87.634", "-87.633"]),
        ([1234567.25, 1234567.5], ["1,234,567", "1,234,568"]),
        ([0.1 + 0.2, 0.3], ["0.30000000000000004", "0.29999999999999999"]),
    ],
)
def test_different_numbers_look_different(values, texts):
    assert templating.distinct(values) == texts


def test_the_most_unusual_column_is_first():
    columns = [numeric([(0, 1, 1000)]), numeric([(0, 1, 100)])]
    for feature, name in zip(columns, ("usual", "gaps"), strict=True):
        feature.name = name
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=1000, features=columns)
    assert [f.name for f in features.features({"train": dataset}, {}, {})] == ["gaps", "usual"]


def test_values_of_texts_are_shares_and_sum_to_one():
    feature = judged(texts({f"v{i}": 100 for i in range(10)}))
    assert len(feature.top.values) == 7
    assert feature.top.others == pytest.approx([0.3])


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.2, 0.39, [0.2, 0.25, 0.3, 0.35]), (3, 3, [3])],
)
def test_ticks_are_round_numbers(low, high, wanted):
    assert charts.ticks(low, high) == pytest.approx(wanted)


def test_texts_in_drawings_are_escaped():
    drawing = charts.lines([charts.Line("a", [(0, 1), (1, 2)])], "<x>", "<y>", '"><script>')
    assert isinstance(drawing, Markup)
    assert "<script>" not in drawing
    assert "<x>" not in drawing
    hostile = NodeFacts("<b>", "c.<b>", (), NodeRun(state="complete"), {})
    assert "<b>" not in graph.draw([hostile])


def test_charts_of_one_point_and_of_nothing_are_drawn():
    assert "NaN" not in charts.lines([charts.Line("a", [(1, 5)])], "x", "", "one")
    assert charts.lines([charts.Line("a", [])], "x", "", "none") == ""
    assert charts.scatter([], "none") == ""
    assert "nan" not in charts.scatter([[2.0, 2.0]], "one")
    assert charts.bars([[0, 0]], (0, 1), "x", "rows", "none")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, "\N{EN DASH}"),
        (0, "0"),
        (12345, "12,345"),
        (0.123456, "0.1235"),
        (1.5e9 + 0.5, "1.5\N{MULTIPLICATION SIGN}10⁹"),
        (-0.00002, "-2\N{MULTIPLICATION SIGN}10⁻⁵"),
    ],
)
def test_numbers_of_the_data(value, wanted):
    assert templating.number(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"), [(0.00004, "0"), (-0.02, "\N{MINUS SIGN}0.0200"), (0.5, "+0.5000")]
)
def test_differences_have_signs(value, wanted):
    assert templating.signed(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"), [(3.21, "3.2 s"), (75, "1 min 15 s"), (7320, "2 h 2 min")]
)
def test_durations(value, wanted):
    assert templating.seconds(value) == wanted


def ran(state="complete", pushed=None, blessed=None, **nodes):
    """The facts of a run whose nodes ended as given."""
    runs = {name: NodeRun(**of_node) for name, of_node in nodes.items()}
    run = Run(
        run_id="r", pipeline="p", state=state, nodes=runs, blessed=blessed, pushed_model=pushed
    )
    parts = tuple(NodeFacts(n, f"c.{n}", (), node, {}) for n, node in runs.items())
    return RunFacts(run, "", parts, ())


def test_a_pushed_model_is_good_news():
    found = verdict.verdict(ran(pushed="/serving/m/17", blessed=True))
    assert (found.kind, found.title) == ("good", "Blessed and pushed")
    assert "version 17" in found.sentence


def test_a_failed_run_says_how_far_it_came_and_why():
    found = verdict.verdict(
        ran(
            state="failed",
            ExampleGen={"state": "complete"},
            Trainer={"state": "failed", "error": "ValueError: no rows"},
            Evaluator={"state": "skipped"},
        )
    )
    assert (found.kind, found.title) == ("bad", "Failed at Trainer")
    assert found.sentence == "ValueError: no rows. 1 of 3 nodes ended well. Nothing was pushed."
    assert found.not_run == ("Evaluator",)


def test_a_model_that_missed_its_threshold_is_not_blessed():
    finding = {"subject": "auc", "rule": "min 0.9", "found": "0.8"}
    found = verdict.verdict(
        ran(
            state="refused",
            blessed=False,
            Evaluator={"state": "failed", "error": "it missed", "findings": (finding,)},
            Pusher={"state": "failed", "error": "nothing was pushed"},
        )
    )
    assert found.title == "Not blessed"
    assert found.findings == (finding,)


@pytest.mark.parametrize(
    ("state", "title"), [("canceled", "Interrupted at Trainer"), ("refused", "Refused at Trainer")]
)
def test_other_ends_name_the_node(state, title):
    found = verdict.verdict(ran(state=state, Trainer={"state": "failed", "error": "x"}))
    assert found.title == title


def test_a_run_that_is_going_on_says_so():
    found = verdict.verdict(ran(state="running", A={"state": "complete"}, B={"state": "running"}))
    assert found.sentence == "1 of 2 nodes have ended so far."


def test_a_run_without_data_and_model_is_short_and_a_page():
    html = page.render(ran(Number={"state": "complete"}, Text={"state": "skipped"}))
    assert "No model was judged" in html
    for section in ("metrics", "slices", "data", "checks", "training"):
        assert f'id="{section}"' not in html


def test_an_evaluation_by_tfx_alone_says_that_it_has_no_curves(tmp_path):
    evaluated = Artifact(1, "ModelEvaluation", "evaluation", str(tmp_path), "E", {}, "r")
    run = Run(run_id="r", pipeline="p", state="complete")
    assert "No curves" in page.render(RunFacts(run, "", (), (evaluated,)))
