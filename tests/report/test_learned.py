"""What Transform learned, as the report shows it."""

from __future__ import annotations

import json

from tfx_pipeline.metadata.run_record import Run
from tfx_pipeline.modeling import graph_names
from tfx_pipeline.report import learned, page, templating
from tfx_pipeline.report.run_facts import Artifact, RunFacts


def test_a_vocabulary_is_found_whatever_the_column_is_called(tmp_path):
    column = "Größe/../<b> (USD)"
    found = {graph_names.of_vocabulary(column): {"size": 2, "values": ["a", "ß"]}}
    (tmp_path / "learned.json").write_text(json.dumps({"version": 1, "vocabularies": found}))
    decided = {"features": {column: {"transform": "vocabulary", "top_k": 5, "missing": None}}}
    (tmp_path / "decisions.json").write_text(json.dumps(decided))
    graph_artifact = Artifact(1, "TransformGraph", "transform_graph", str(tmp_path), "T", {}, "r")
    run = Run(run_id="r", pipeline="p", state="complete")
    (row,) = learned.read(RunFacts(run, "", (), (graph_artifact,))).treatments
    assert (row.column, row.treatment, row.settings) == (column, "vocabulary", "most values: 5")
    assert (row.size, row.values, row.more) == (2, ("a", "ß"), 0)


def test_vocabularies_of_an_own_preprocessing_are_shown(tmp_path):
    found = {
        "my <tags>": {"size": 15, "values": [f"<t{i}>" for i in range(12)]},
        graph_names.of_vocabulary("company"): {"size": 1, "values": ["A"]},
    }
    (tmp_path / "learned.json").write_text(json.dumps({"version": 1, "vocabularies": found}))
    decided = {"features": {"company": {"transform": "vocabulary"}}}
    (tmp_path / "decisions.json").write_text(json.dumps(decided))
    artifact = Artifact(1, "TransformGraph", "transform_graph", str(tmp_path), "T", {}, "r")
    facts = RunFacts(Run(run_id="r", pipeline="p", state="complete"), "", (), (artifact,))
    read = learned.read(facts)
    (row,) = read.vocabularies  # that of the column is with its treatment
    assert (row.name, row.size, row.values[0], row.more) == ("my <tags>", 15, "<t0>", 3)
    html = templating.environment().get_template("fragments.html.jinja").module.learned_table(read)
    assert "my &lt;tags&gt;" in html
    assert "&lt;t11&gt; and 3 more" in html


def test_what_transform_learned_is_shown(tmp_path):
    moments = {"mean": 2.5, "std": 0.5, "min": 1, "max": 4}
    edges = [0.25 * i for i in range(49)]
    columns = {
        "<b>price": {
            "<b>price": moments | {"boundaries": {"2": [2.0], "50": edges}},
            "<b>price/log": moments,
        },
        "day": {"day": moments | {"mode": 3.0}, "day.year": moments},
    }
    (tmp_path / "learned.json").write_text(json.dumps({"version": 1, "columns": columns}))
    graph_artifact = Artifact(1, "TransformGraph", "transform_graph", str(tmp_path), "T", {}, "r")
    run = Run(run_id="r", pipeline="p", state="complete")
    facts = RunFacts(run, "", (), (graph_artifact,))
    found = learned.read(facts)
    assert found.treatments == ()
    assert [(n.column, n.of) for n in found.numbers] == [
        ("<b>price", ""), ("<b>price", "log"), ("day", ""), ("day", "year"),
    ]  # fmt: skip
    price, _, day, _ = found.numbers
    assert (price.median, price.edges, price.mode) == (2.0, tuple(edges), None)
    assert (day.median, day.edges, day.mode) == (None, (), 3.0)
    html = page.render(facts)
    assert "Learned numbers" in html
    assert "&lt;b&gt;price (log)" in html
    assert "<b>price" not in html
    assert "<summary>0 to 12</summary>" in html
