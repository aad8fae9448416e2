"""The pages: each reads what it shows and fills its template."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup

import tfx_pipeline
from tfx_pipeline import errors
from tfx_pipeline.report import (
    build,
    comparison,
    evaluation,
    graph,
    readable_store,
    run_facts,
    templating,
    verdict,
)
from tfx_pipeline.report.ui import listing, live, models, trends
from tfx_pipeline.report.ui.access import Access
from tfx_pipeline.report.ui.store import Source, Store
from tfx_pipeline.storage import ui_address
from tfx_pipeline.storage.atomic_write import write_atomically

_LONGEST_ID = 18  # digits; ML Metadata counts in 64 bits
_CHOICES = 100
"""Runs to choose from for a comparison."""


@dataclasses.dataclass(frozen=True)
class Content:
    """A page, and whether what it shows changes at the moment."""

    html: str
    is_live: bool = False


class Pages:
    """Makes all pages of one store.

    Args:
      target: a model server to ask for the states of versions; None for none.
      can_start: whether a run of the configured pipeline can be started.
    """

    def __init__(
        self, store: Store, access: Access, target: str | None = None, can_start: bool = False
    ) -> None:
        self.store = store
        self._access = access
        self._target = target
        self._can_start = can_start and access.allow_actions
        self._listing = listing.Listing()

    def read_ahead(self) -> None:
        """Reads all runs once, so that the first search or sorting is as quick as later ones."""
        ignored = contextlib.suppress(errors.PipelineError, OSError)  # the pages say it
        with ignored, readable_store.errors_explained("the store"):
            with self.store.lock:
                entries = self._listing.entries(self.store.sources())
            for entry in entries:
                with self.store.lock:
                    self._listing.row(entry)

    def runs(self, query: listing.Query, fragment: bool = False) -> Content:
        """The list of runs."""
        with self.store.lock:
            sources = self.store.sources()
            if query.pipeline and query.pipeline not in {s.name for s in sources}:
                self.store.known(query.pipeline)
            page = self._listing.page(sources, query)
        is_live = any(row.state in live.LIVE for row in page.rows)
        values = {
            "page": page,
            "query": query,
            "pipelines": [source.name for source in sources],
            "problems": [source.problem for source in sources if source.problem],
            "link": lambda **changes: "/?" + _query_text(dataclasses.replace(query, **changes)),
            "root": str(self.store.home),
            "start": self.store.config.name if self._can_start else "",
        }
        return self._with_part("runs", fragment, is_live, **values)

    def run(self, pipeline: str, run_id: str, log: str = "", fragment: bool = False) -> Content:
        """One run; the fragment is what changes while it runs.

        Args:
          log: the node whose log to show; empty for the one that is most interesting now.
        """
        with self.store.lock:
            source = self.store.known(pipeline)
            facts = live.read(source, run_id)
            others = [] if fragment else self._listing.of_pipeline(source)[: _CHOICES + 1]
        names = live.logs(source.layout.run(run_id))
        is_live = facts.run.state in live.LIVE
        values = {
            "facts": facts,
            "run": facts.run,
            "path": ui_address.run_path(pipeline, run_id),
            "problem": source.problem,
            "graph": graph.draw(facts.nodes) if facts.nodes else "",
            "verdict": verdict.verdict(facts) if not _unusual(facts.run.state) else None,
            "evaluation": None if fragment else evaluation.read(facts),
            "log": log if log in names else live.log_to_follow(facts, names),
            "pinned": log in names,
            "logs": names,
            "others": [row for row in others if row.run_id != run_id],
            "tensorboard": [a.uri for a in facts.artifacts if a.type == "ModelRun"],
        }
        return self._with_part("run", fragment, is_live, **values)

    def log(self, pipeline: str, run_id: str, node: str, start: int | None) -> dict[str, Any]:
        """What a log has from a position on."""
        with self.store.lock:
            files = self.store.run_files(pipeline, run_id)
        return live.log_piece(files, node, start)

    def report(self, pipeline: str, run_id: str) -> str:
        """The report of a run. It is made if it is not there, and kept if the run has ended."""
        with self.store.lock:
            source = self.store.known(pipeline)
            run = live.read(source, run_id).run
        files = source.layout.run(run_id)
        if run.state not in live.LIVE:
            with contextlib.suppress(FileNotFoundError):
                return files.report.read_text("utf-8")
        own = self.store.source(pipeline, fresh=True)
        if own.problem:
            raise errors.ConfigError(own.problem)
        made = build.of_run(own.runs, own.layout, run_id)
        if files.folder.is_dir() and run.state not in live.LIVE:
            with contextlib.suppress(OSError):  # the page is shown in any case
                write_atomically(files.report, made.html.encode())
        return made.html

    def compare(self, pipeline: str, one: str, other: str) -> Content:
        """Two runs side by side."""
        own = self._fresh(pipeline)
        before = run_facts.read(own.runs, own.runs.get(one).run_id, own.layout)
        after = run_facts.read(own.runs, own.runs.get(other).run_id, own.layout)
        names = dict.fromkeys([*before.run.nodes, *after.run.nodes])
        nodes = [(name, before.run.nodes.get(name), after.run.nodes.get(name)) for name in names]
        found = evaluation.read(after)
        return self._render(
            "compare",
            pipeline=pipeline,
            before=before.run,
            after=after.run,
            nodes=nodes,
            comparison=comparison.compare(after, before),
            main=found.main if found else "",
        )

    def _fresh(self, pipeline: str) -> Source:
        """A pipeline over a connection of its own, for what takes longer."""
        with self.store.lock:
            self.store.readable(pipeline)
        return self.store.source(pipeline, fresh=True)

    def metrics(self, pipeline: str) -> Content:
        """The metrics of a pipeline's runs over time."""
        with self.store.lock:
            source = self.store.known(pipeline)
            rows = self._listing.of_pipeline(source)
        found = trends.of_rows(rows)
        return self._render("metrics", pipeline=pipeline, trends=found, problem=source.problem)

    def artifact(self, pipeline: str, artifact_id: str) -> Content:
        """One artifact with its lineage in both directions."""
        from tfx_pipeline.metadata import lineage

        if not artifact_id.isdecimal() or len(artifact_id) > _LONGEST_ID:
            raise errors.ConfigError(errors.Problem(artifact_id, "there is no such artifact"))
        with self.store.lock:
            history = self.store.readable(pipeline).runs.history
            assert history is not None  # noqa: S101 - a readable source has one
            found = lineage.read(history, int(artifact_id))
        return self._render("artifact", pipeline=pipeline, artifact=found)

    def models(self, done: str = "") -> Content:
        """The models of all pipelines.

        Args:
          done: what an action has just done.
        """
        with self.store.lock:
            sources = self.store.sources()
            read = [models.read(source, self.store.config) for source in sources]
        found = [model for model in read if model]
        if self._target:  # it may be slow, and other pages need no lock for it
            found = [models.with_server(model, self._target) for model in found]
        return self._render("models", models=found, done=done)

    def error(self, title: str, message: str) -> Content:
        """A page of one sentence."""
        return self._render("error", title=title, message=message)

    def _with_part(self, name: str, fragment: bool, is_live: bool, **values: Any) -> Content:
        """A page with a part that is asked for again, or only that part."""
        part = self._render(f"{name}_part", is_live, **values)
        if fragment:
            return part
        inside = Markup(part.html)  # noqa: S704 - a template has escaped it
        return self._render(name, is_live, part=inside, etag=etag(part.html), **values)

    def _render(self, name: str, is_live: bool = False, **values: Any) -> Content:
        environment = templating.environment(__package__)
        template = environment.get_template(f"{name}.html.jinja")
        html = template.render(
            **values,
            is_live=is_live,
            library=tfx_pipeline.__version__,
            actions=self._access.allow_actions,
            form_token=self._access.form_token,
            run_path=ui_address.run_path,
            artifact_path=artifact_path,
            quoted=lambda text: quote(str(text), safe=""),
        )
        return Content(html, is_live)


def etag(html: str) -> str:
    """The ETag of a page, so that an unchanged part is not sent and drawn again."""
    return f'"{hashlib.sha256(html.encode()).hexdigest()[:32]}"'


def artifact_path(pipeline: str, artifact_id: int) -> str:
    """The path of an artifact's page."""
    return f"/artifacts/{quote(pipeline, safe='')}/{artifact_id}"


def _unusual(state: str) -> bool:
    return state in (*live.LIVE, live.STOPPED)


def _query_text(query: listing.Query) -> str:
    values = {"q": query.text, "pipeline": query.pipeline}
    if query.sort != "started" or not query.down:
        values |= {"sort": query.sort, "order": "down" if query.down else "up"}
    if query.number != 1:
        values["page"] = str(query.number)
    return urlencode({name: value for name, value in values.items() if value})
