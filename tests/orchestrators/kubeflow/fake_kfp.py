"""Stands in for Kubeflow Pipelines' API server: the few calls of API v2beta1 that matter.

A real one needs a cluster. This one keeps what it is given and answers as the API's
published messages are; kfp's own client talks to it over HTTP.
"""

from __future__ import annotations

import contextlib
import email
import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

API = "/apis/v2beta1"


class Server:
    """What the server knows, and how it behaves.

    Attributes:
      health: the status of its health check.
      token: the bearer token it wants; None for none.
    """

    def __init__(self) -> None:
        self.health, self.token = 200, None
        self.pipelines: list[dict] = []
        self.versions: list[dict] = []
        self.experiments: list[dict] = []
        self.runs: list[dict] = []
        self.recurring: list[dict] = []
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        url = urllib.parse.urlsplit(path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        for pattern, name in ROUTES.items():
            match = re.fullmatch(pattern, f"{method} {url.path.removeprefix(API)}")
            if match and url.path.startswith(API):
                return getattr(self, name)(query, body, *match.groups())
        return 404, {"error": f"no route {method} {url.path}"}

    def healthz(self, query, body):
        return self.health, {"multi_user": False}

    def list_pipelines(self, query, body):
        wanted = json.loads(query["filter"])["predicates"][0]["stringValue"]
        return 200, {"pipelines": [p for p in self.pipelines if p["display_name"] == wanted]}

    def upload_pipeline(self, query, body):
        self._ensure_pipeline(body)
        made = {"pipeline_id": f"p{len(self.pipelines)}", "display_name": query["name"]}
        self.pipelines.append(made)
        return 200, made

    def upload_version(self, query, body):
        self._ensure_pipeline(body)
        known = [v["display_name"] for v in self.versions]
        if query["name"] in known:
            return 409, {"error": f"version {query['name']} exists"}
        made = {"pipeline_version_id": f"v{len(self.versions)}", "display_name": query["name"]}
        self.versions.append(made | {"pipeline_id": query["pipelineid"]})
        return 200, self.versions[-1]

    def _ensure_pipeline(self, body: bytes) -> None:
        assert b"schemaVersion: 2.1.0" in body

    def list_experiments(self, query, body):
        return 200, {"experiments": self.experiments}

    def create_experiment(self, query, body):
        made = {"experiment_id": f"e{len(self.experiments)}", **body}
        self.experiments.append(made)
        return 200, made

    def create_run(self, query, body):
        self.runs.append({"run_id": f"r{len(self.runs)}", **body})
        return 200, self.runs[-1]

    def list_recurring(self, query, body):
        size, start = int(query["page_size"]), int(query.get("page_token") or 0)
        page = {"recurringRuns": self.recurring[start : start + size]}
        more = start + size < len(self.recurring)
        return 200, page | ({"next_page_token": str(start + size)} if more else {})

    def create_recurring(self, query, body):
        made = {"recurring_run_id": f"s{len(self.recurring)}", **body}
        self.recurring = [*self.recurring, made]
        return 200, made

    def delete_recurring(self, query, body, identifier):
        self.recurring = [r for r in self.recurring if r["recurring_run_id"] != identifier]
        return 200, {}


ROUTES = {
    "GET /healthz": "healthz",
    "GET /pipelines": "list_pipelines",
    "POST /pipelines/upload": "upload_pipeline",
    "POST /pipelines/upload_version": "upload_version",
    "GET /experiments": "list_experiments",
    "POST /experiments": "create_experiment",
    "POST /runs": "create_run",
    "GET /recurringruns": "list_recurring",
    "POST /recurringruns": "create_recurring",
    r"DELETE /recurringruns/(\w+)": "delete_recurring",
}


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Serves on a free port of this machine."""
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length", 0)))
            is_json = "json" in self.headers.get("content-type", "")
            body = json.loads(data) if data and is_json else _file_of(self.headers, data)
            wanted = f"Bearer {state.token}"
            if state.token and self.headers.get("authorization") != wanted:
                status, answer = 401, {"error": "no token"}
            else:
                status, answer = state.answer(self.command, self.path, body)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_DELETE = handle_one

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _file_of(headers: Any, data: bytes) -> bytes:
    """The content of an uploaded file."""
    if "multipart" not in headers.get("content-type", ""):
        return data
    message = email.message_from_bytes(
        b"content-type: " + headers["content-type"].encode() + b"\n\n" + data
    )
    return message.get_payload()[0].get_payload(decode=True)
