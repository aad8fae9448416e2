"""A small client of Airflow's REST API, version 2."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tfx_pipeline import errors

_SECONDS = 60.0
"""How long a server may be silent: for longer, it counts as one that cannot be reached."""


class AirflowError(errors.PipelineError):
    """Airflow refused a request, or cannot be reached. `status` is the HTTP status, or 0."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """A client of the API server at `url`, for example `http://127.0.0.1:8080`.

    Args:
      url: the server.
      timeout: for how many seconds the server may send nothing.
    """

    def __init__(self, url: str, timeout: float = _SECONDS) -> None:
        self.url = url
        self._timeout = timeout
        self._token = ""

    def trigger(
        self, dag_id: str, run_id: str | None = None, conf: dict[str, Any] | None = None
    ) -> str:
        """Starts a run and returns its id."""
        body = {"logical_date": None, "dag_run_id": run_id, "conf": conf or {}}
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The run's state: queued, running, success or failed."""
        return str(self.call("GET", f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """The run's task instances by task id."""
        path = f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances?limit=1000"
        found = self.call("GET", path)["task_instances"]
        return {task["task_id"]: task for task in found}

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """The log of one attempt of a task, as JSON."""
        base = f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances/{task_id}"
        return json.dumps(self.call("GET", f"{base}/logs/{attempt}?full_content=true"), indent=1)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Calls `/api/v2<path>` and returns the JSON of the response.

        Raises:
          AirflowError: Airflow refused the request, or cannot be reached.
        """
        if not self._token:
            self._token = self._send("GET", "/auth/token", None, {})["access_token"]
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        return self._send(method, f"/api/v2{path}", body, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {**headers, "Content-Type": "application/json"}
        url = self.url + path  # http:// or https://: whoever makes the client gives it
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:  # noqa: S310
                text = response.read()
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")
            raise AirflowError(
                f"Airflow refused {method} {path}: {error.code} {reason}", error.code
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise AirflowError(f"Airflow at {self.url} cannot be reached: {error}") from error
        return json.loads(text) if text else None


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
