"""Runs, nodes and artifacts as HTML for a notebook: the fragments of the report, without script."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from tfx_pipeline.report import (
    data_checks,
    evaluation,
    features,
    graph,
    learned,
    settings,
    templating,
    training,
    tuning,
    verdict,
)
from tfx_pipeline.report.run_facts import RunFacts
from tfx_pipeline.report.scoped_style import scoped

_MOST_COLUMNS = 30
"""Columns with a drawing in one output of a notebook."""

Parts = dict[str, Any]


def of_run(facts: RunFacts) -> str:
    """How a run ended, its metrics and its nodes."""
    parts: Parts = {"verdict": verdict.verdict(facts)}
    found = evaluation.read(facts)
    if found is not None and found.metrics:
        parts["figures"] = found
    parts["nodes"] = facts
    return _render(f"Run {facts.run.run_id}", parts, graph.draw(facts.nodes))


def of_node(facts: RunFacts, name: str) -> str:
    """How a node ended, and what it has made."""
    node = next((node for node in facts.nodes if node.id == name), None)
    parts: Parts = {"node": node} if node else {}
    made = [artifact for artifact in facts.artifacts if artifact.node == name]
    for artifact in made:
        parts.update(_of_type(facts, name, artifact.type))
    if made:
        parts["artifacts"] = made
    return _render(name, parts)


def of_artifact(facts: RunFacts, name: str, key: str) -> str:
    """One output of a node: statistics, schema, anomalies, evaluation …, or its place."""
    made = [a for a in facts.artifacts if (a.node, a.key) == (name, key)]
    parts: Parts = {}
    for artifact in made:
        parts.update(_of_type(facts, name, artifact.type))
    return _render(f"{name}: {key}", parts or {"artifacts": made})


def _of_type(facts: RunFacts, node: str, type_name: str) -> Parts:
    """What is to be shown of a node's artifact; empty if there is nothing but its place."""
    own = dataclasses.replace(facts, artifacts=tuple(a for a in facts.artifacts if a.node == node))
    if type_name == "ExampleStatistics":
        return _statistics(facts, own)
    if type_name == "ExampleAnomalies":
        readers_of_data = (data_checks.anomalies, data_checks.checks, data_checks.groups)
        return {"anomalies": {read.__name__: read(own) for read in readers_of_data}}
    readers = {
        "Schema": ("schema", data_checks.schema),
        "ModelEvaluation": ("evaluation", evaluation.read),
        "TransformGraph": ("learned", learned.read),
        "ModelRun": ("training", training.read),
        "TunerResults": ("trials", tuning.read),
        "InfraBlessing": ("export_check", verdict.export_check),
    }
    if type_name not in readers:
        return {}
    part, read = readers[type_name]
    content = read(own)
    return {part: content} if content else {}


def _statistics(facts: RunFacts, own: RunFacts) -> Parts:
    datasets = features.statistics(own)
    remarks = data_checks.remarks(data_checks.anomalies(facts), data_checks.checks(facts))
    columns = features.features(datasets, settings.treatments(facts), remarks)
    return {"statistics": {"splits": list(datasets), "columns": columns}} if columns else {}


def _render(title: str, parts: Parts, drawing: str = "") -> str:
    template = templating.environment().get_template("notebook.html.jinja")
    return template.render(
        title=title, parts=parts, graph=drawing, most=_MOST_COLUMNS, style=_style()
    )


@functools.cache
def _style() -> str:
    return scoped(templating.text("report.css"))
