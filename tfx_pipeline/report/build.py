"""Finds a run and the one to compare it with, and makes the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tfx_pipeline import errors
from tfx_pipeline.config.metadata_database import SQLITE
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.ir.manifest import Node
from tfx_pipeline.metadata.run_history import Runs, open_runs
from tfx_pipeline.report import page, readable_store, run_facts
from tfx_pipeline.storage.layout import Layout


@dataclasses.dataclass(frozen=True)
class Report:
    """A page, the run that it is about, and the run that this is compared with, if any."""

    html: str
    run_id: str
    against: str | None


def build(config: PipelineConfig, run_id: str | None = None, against: str | None = None) -> Report:
    """Makes the report of a run.

    Args:
      config: of the pipeline.
      run_id: an id or its beginning; None for the newest run.
      against: the run to compare it with; None for the one before it.

    Raises:
      ConfigError: there is no such run, or the store of the runs cannot be read.
    """
    layout = Layout(config.root, config.name)
    with readable_store.errors_explained(str(layout.metadata_db)):
        if config.metadata == SQLITE:
            readable_store.ensure(layout.metadata_db)
        runs = open_runs(config)
        if runs.history is None and runs.ids():
            raise readable_store.gone(layout.metadata_db)
        return of_run(runs, layout, run_id, against)


def of_run(
    runs: Runs, layout: Layout, run_id: str | None = None, against: str | None = None
) -> Report:
    """As `build`, for runs that are open already."""
    wanted = runs.get(run_id).run_id if run_id else runs.latest().run_id
    return _of_facts(runs, layout, run_facts.read(runs, wanted, layout), against)


def of_ended_run(runs: Runs, layout: Layout, run_id: str, plan: Sequence[Node]) -> Report:
    """The report of a run that an orchestrator has ended, also if none of its nodes started.

    Args:
      run_id: the whole id.
      plan: the nodes of its pipeline.
    """
    return _of_facts(runs, layout, run_facts.read(runs, run_id, layout, plan))


def _of_facts(
    runs: Runs, layout: Layout, facts: run_facts.RunFacts, against: str | None = None
) -> Report:
    wanted = facts.run.run_id
    other_id = runs.get(against).run_id if against else _before(runs, wanted)
    other = run_facts.read(runs, other_id, layout) if other_id else None
    return Report(page.render(facts, other), wanted, other_id)


def _before(runs: Runs, run_id: str) -> str | None:
    """The newest earlier run that evaluated a model, or the newest earlier one at all."""
    ids = runs.ids()
    earlier = ids[: ids.index(run_id)] if run_id in ids else ids
    readable = []
    for candidate in reversed(earlier[-20:]):
        try:
            run = runs.get(candidate)
        except errors.ConfigError:
            continue
        if run.metrics:
            return candidate
        readable.append(candidate)
    return readable[0] if readable else None
