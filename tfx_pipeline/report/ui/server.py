"""Answers requests: one small class for each kind of page, and the server that has them all."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import tornado.web
from tornado.httpserver import HTTPServer

from tfx_pipeline import errors
from tfx_pipeline.report import templating
from tfx_pipeline.report.ui import access, actions, listing
from tfx_pipeline.report.ui.access import Access
from tfx_pipeline.report.ui.handler import Handler
from tfx_pipeline.report.ui.pages import Pages
from tfx_pipeline.storage import ui_address

_log = logging.getLogger(__name__)
_THREADS = 4
_LARGEST_FORM = 64 * 1024


class Runs(Handler):
    """The list, and the part of it that is asked for again."""

    async def get(self, fragment: str = "") -> None:
        """Shows one part of the list."""
        sort = self.get_query_argument("sort", "started")
        number = self.get_query_argument("page", "1")
        query = listing.Query(
            text=self.get_query_argument("q", ""),
            pipeline=self.get_query_argument("pipeline", ""),
            sort=sort if sort in listing.SORTS else "started",
            down=self.get_query_argument("order", "down") != "up",
            number=int(number) if number.isdecimal() and len(number) < 9 else 1,
        )
        await self.show(self.pages.runs, query, fragment=bool(fragment))


class Run(Handler):
    """One run, its part that changes, its logs and its report."""

    async def get(self, pipeline: str, run_id: str, what: str | None = None) -> None:
        """Shows what the last part of the path names."""
        log = self.get_query_argument("log", "")
        if what == "log":
            start = self.get_query_argument("from", "")
            position = int(start) if start.isdecimal() and len(start) < 16 else None
            piece = await self.run(self.pages.log, pipeline, run_id, log, position)
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps(piece))
        elif what == "report":
            html = await self.run(self.pages.report, pipeline, run_id)
            self.set_header("Content-Security-Policy", access.REPORT_POLICY)
            self.finish(html)
        else:
            await self.show(self.pages.run, pipeline, run_id, log, fragment=what == "now")


class Compare(Handler):
    """Two runs side by side."""

    async def get(self, pipeline: str) -> None:
        """Shows the runs that the query names."""
        one, other = (self.get_query_argument(name) for name in ("a", "b"))
        await self.show(self.pages.compare, pipeline, one, other)


class Metrics(Handler):
    """The metrics of a pipeline over time."""

    async def get(self, pipeline: str) -> None:
        """Shows them."""
        await self.show(self.pages.metrics, pipeline)


class Artifact(Handler):
    """One artifact."""

    async def get(self, pipeline: str, artifact_id: str) -> None:
        """Shows it and its lineage."""
        await self.show(self.pages.artifact, pipeline, artifact_id)


class Models(Handler):
    """The pushed versions of all pipelines."""

    async def get(self) -> None:
        """Shows them."""
        await self.show(self.pages.models)


class Action(Handler):
    """A form that changes something. There is no other way to change something."""

    def get(self, name: str) -> None:
        """Refuses: following a link must not change anything."""
        self.set_header("Allow", "POST")
        raise tornado.web.HTTPError(405, f"{name} is an action: it needs a form, not a link")

    async def post(self, name: str) -> None:
        """Does it, and shows what has been done."""
        token = self.get_body_argument("form_token", "")
        refusal = self.rules.refusal_of_form(self.request.headers, token)
        if refusal:
            self._refuse("Nothing has been changed", refusal)
            return
        if name == "start":
            if self.starter is None:
                raise errors.ConfigError("No configuration names a pipeline that can be started.")
            run_id = await self.run(self.starter.start)
            self.redirect(ui_address.run_path(self.pages.store.config.name, run_id), status=303)
            return
        done = await self.run(self._change_traffic, name)
        _log.info("%s", done)
        await self.show(self.pages.models, done)

    def _change_traffic(self, name: str) -> str:
        store = self.pages.store
        with store.lock:
            source = store.known(self.get_body_argument("pipeline", ""))
        version = self.get_body_argument("version", "")
        if name == "promote":
            return actions.promote(source, store.config, self.target, version)
        if name == "canary":
            percent = self.get_body_argument("percent", "")
            return actions.set_canary(source, store.config, self.target, version, percent)
        return actions.roll_back(source, store.config, self.target)


class Static(Handler):
    """The style and the scripts."""

    def get(self, name: str) -> None:
        """Sends one of three files."""
        kind, content = static_files()[name]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.finish(content)


class Missing(Handler):
    """Any other path."""

    def get(self) -> None:
        """Says that there is no such page."""
        raise tornado.web.HTTPError(404, "There is no such page.")


@functools.cache
def static_files() -> dict[str, tuple[str, str]]:
    """Types and contents by name. The report's style is the page's, too."""
    style = templating.text("report.css") + templating.text("ui.css", __package__)
    return {
        "page.css": ("text/css", style),
        "tables.js": ("text/javascript", templating.text("report.js")),
        "ui.js": ("text/javascript", templating.text("ui.js", __package__)),
    }


def application(
    pages: Pages, rules: Access, starter: actions.Starter | None = None, target: str | None = None
) -> tornado.web.Application:
    """The paths of the server."""
    shared = {
        "pages": pages,
        "rules": rules,
        "pool": ThreadPoolExecutor(_THREADS),
        "starter": starter,
        "target": target,
    }
    name = "([^/]+)"
    return tornado.web.Application(
        [
            ("/()", Runs, shared),
            ("/(list)", Runs, shared),
            (f"/runs/{name}/{name}", Run, shared),
            (f"/runs/{name}/{name}/(now|log|report)", Run, shared),
            (f"/pipelines/{name}/compare", Compare, shared),
            (f"/pipelines/{name}/metrics", Metrics, shared),
            (f"/artifacts/{name}/{name}", Artifact, shared),
            ("/models", Models, shared),
            ("/actions/(start|promote|canary|rollback)", Action, shared),
            (r"/static/(page\.css|tables\.js|ui\.js)", Static, shared),
            (".*", Missing, shared),
        ],
        log_function=lambda handler: None,
    )


async def serve(
    app: tornado.web.Application, pages: Pages, sockets: list[socket.socket], ended: asyncio.Event
) -> None:
    """Serves until `ended` is set."""
    threading.Thread(target=pages.read_ahead, daemon=True).start()
    server = HTTPServer(app, max_body_size=_LARGEST_FORM)
    server.add_sockets(sockets)
    await ended.wait()
    server.stop()
