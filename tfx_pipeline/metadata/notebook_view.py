"""How runs, nodes and artifacts show themselves in a notebook."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pydantic

from tfx_pipeline.config.base import Section

if TYPE_CHECKING:
    from tfx_pipeline.metadata.run_history import Runs
    from tfx_pipeline.metadata.run_record import Run
    from tfx_pipeline.report.run_facts import RunFacts

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a record was read; records of equal content are equal wherever they come from."""

    runs: Runs | None = dataclasses.field(default=None, compare=False, repr=False)
    run: Run | None = dataclasses.field(default=None, compare=False, repr=False)
    node: str = dataclasses.field(default="", compare=False)

    def __reduce__(self) -> tuple[type[Origin], tuple[()]]:
        """A connection to ML Metadata is not copied or pickled with a record."""
        return Origin, ()


class Shown(Section):
    """A record that a notebook shows as HTML."""

    _origin: Origin = pydantic.PrivateAttr(default_factory=Origin)


@dataclasses.dataclass(frozen=True)
class OutputArtifact:
    """One output of a node.

    Attributes:
      node: the node.
      key: the output's key, for example `statistics`.
      uris: the folders of its artifacts.
    """

    node: str
    key: str
    uris: tuple[str, ...]
    _run: Run = dataclasses.field(repr=False, compare=False)

    def _repr_html_(self) -> str:
        return html(self._run, lambda view, facts: view.of_artifact(facts, self.node, self.key))


def html(run: Run, render: Callable[[Any, RunFacts], str]) -> str:
    """What `render` makes of the module of the views and of what is known about the run.

    If ML Metadata cannot be read, that is what the record itself contains.
    """
    from tfx_pipeline.report import notebook, run_facts

    runs = run._origin.runs
    if runs is not None:
        try:
            return render(notebook, run_facts.read(runs, run.run_id, runs.layout))
        except Exception as error:
            _log.warning("run %s: its artifacts cannot be shown: %s", run.run_id, error)
    return render(notebook, run_facts.without_metadata(run))
