"""What all requests share: who may ask, headers, threads, errors as sentences."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlencode

import tornado.web

from tfx_pipeline import errors
from tfx_pipeline.report import readable_store
from tfx_pipeline.report.ui import access, actions
from tfx_pipeline.report.ui.access import Access
from tfx_pipeline.report.ui.pages import Content, Pages, etag

_T = TypeVar("_T")


class Handler(tornado.web.RequestHandler):
    """The base of all handlers."""

    def initialize(
        self,
        pages: Pages,
        rules: Access,
        pool: ThreadPoolExecutor,
        starter: actions.Starter | None,
        target: str | None,
    ) -> None:
        """Receives what the server has made."""
        self.pages, self.rules, self.pool = pages, rules, pool
        self.starter, self.target = starter, target

    def set_default_headers(self) -> None:
        """No header of CORS is among them: no other site may read a page."""
        self.clear_header("Server")
        for name, value in access.HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Refuses a wrong host or token; takes a right token from the address into a cookie."""
        if not self.rules.is_known_host(self.request.headers.get("Host", "")):
            self._refuse("Unknown host", "This page answers to the names of this machine only.")
            return
        given = self.get_query_argument("token", None)
        if given is not None and self.rules.token and self.rules.is_token(given):
            self.set_cookie(self.rules.cookie, given, httponly=True, samesite="Strict", path="/")
            rest = [(n, v) for n, v in self.request.query_arguments.items() if n != "token"]
            query = urlencode([(n, v) for n, values in rest for v in values])
            self.redirect(self.request.path + (f"?{query}" if query else ""), status=303)
        elif not self.rules.is_token(self.get_cookie(self.rules.cookie)):
            self._refuse(
                "A token is needed",
                "Open the address that tfx-pipeline ui has printed: it contains the token.",
            )

    def _refuse(self, title: str, message: str) -> None:
        self.set_status(403)
        self.finish(self.pages.error(title, message).html)

    async def run(self, function: Callable[..., _T], *arguments: Any, **named: Any) -> _T:
        """Calls a function that reads files, in a thread."""
        call = functools.partial(function, *arguments, **named)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, _explained, call)
        except asyncio.CancelledError as error:  # Tornado would log it with a traceback
            raise tornado.web.HTTPError(503, "This server is ending.") from error

    async def show(self, function: Callable[..., Content], *arguments: Any, **named: Any) -> None:
        """Sends the page that a function makes."""
        content = await self.run(function, *arguments, **named)
        self.set_header("X-Live", "1" if content.is_live else "0")
        self.set_header("ETag", etag(content.html))
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.finish(content.html)

    def write_error(self, status_code: int, **details: Any) -> None:
        """An error as a page of one sentence."""
        error = details.get("exc_info", (None, None))[1]
        if isinstance(error, errors.PipelineError):
            status_code = 404 if "there is no such" in str(error) else 422
            title, message = "This cannot be shown", str(error)
        elif isinstance(error, tornado.web.HTTPError):
            title, message = f"Error {status_code}", error.log_message or self._reason
        else:
            title = "An unexpected error"
            message = (
                f"{type(error).__name__}: {error}. The terminal of this server has the details."
            )
        self.set_status(status_code)
        self.finish(self.pages.error(title, message).html)

    def log_exception(self, *details: Any) -> None:
        """Errors with a sentence of their own need no traceback in the terminal."""
        if not isinstance(details[1], errors.PipelineError):
            super().log_exception(*details)

    def compute_etag(self) -> None:
        """None by itself: `show` sets one."""


def _explained(call: Callable[[], _T]) -> _T:
    with readable_store.errors_explained("the store"):
        try:
            return call()
        except OSError as error:
            what = "has been removed while this page was made"
            if not isinstance(error, FileNotFoundError):
                what = f"cannot be used: {error.strerror or error}"
            problem = errors.Problem(str(error.filename or "a file"), what, "Load the page again")
            raise errors.ConfigError(problem) from error
