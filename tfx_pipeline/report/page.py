"""The page: the sections' contents put into the template, in one file without a network."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Sequence

import tfx_pipeline
from tfx_pipeline.report import (
    comparison,
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

_MOST_CARDS = 200
"""Columns with a drawing of their own; the page lists the other ones in a table."""


def render(facts: RunFacts, other: RunFacts | None = None) -> str:
    """The report of a run as one HTML document.

    Args:
      facts: the run.
      other: the run to compare it with; None for no comparison.
    """
    datasets = features.statistics(facts)
    anomalies, checks = data_checks.anomalies(facts), data_checks.checks(facts)
    columns = features.features(
        datasets, settings.treatments(facts), data_checks.remarks(anomalies, checks)
    )
    script = templating.text("report.js")
    template = templating.environment().get_template("report.html.jinja")
    return template.render(
        facts=facts,
        home=_shared_folder([artifact.uri for artifact in facts.artifacts]),
        run=facts.run,
        verdict=verdict.verdict(facts),
        evaluation=evaluation.read(facts),
        graph=graph.draw(facts.nodes),
        splits=[(name, int(dataset.num_examples)) for name, dataset in datasets.items()],
        cards=columns[:_MOST_CARDS],
        more_columns=columns[_MOST_CARDS:],
        anomalies=anomalies,
        checks=checks,
        groups=data_checks.groups(facts),
        schema=data_checks.schema(facts),
        learned=learned.read(facts),
        training=training.read(facts),
        trials=tuning.read(facts),
        export_check=verdict.export_check(facts),
        settings=settings.of_run(facts),
        versions=settings.versions(facts),
        own_code=settings.own_code(facts),
        comparison=comparison.compare(facts, other) if other else None,
        library=tfx_pipeline.__version__,
        style=templating.text("report.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _shared_folder(uris: Sequence[str]) -> str:
    """The folder that contains all of them, with a slash at its end; empty if there is none."""
    folders = [uri.split("/")[:-1] for uri in uris]
    levels = zip(*folders, strict=False)
    shared = [names[0] for names in itertools.takewhile(lambda n: len({*n}) == 1, levels)]
    return "/".join([*shared, ""]) if len(uris) > 1 else ""
