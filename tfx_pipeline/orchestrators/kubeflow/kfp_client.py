"""Uploads a pipeline to Kubeflow Pipelines and starts it: JSON on stdin, JSON on stdout.

Runs in the environment that has kfp, as `kfp_compiler` does, and imports nothing of this
project. An error that the user can fix gives exit code 2 and one line on standard error.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

TOKEN, COOKIES = "TFX_PIPELINE_KFP_TOKEN", "TFX_PIPELINE_KFP_COOKIES"
_SECONDS = 30


class Refused(Exception):
    """An error that the user can fix, in one line."""


def submit(order: dict[str, Any]) -> dict[str, Any]:
    """Uploads a version of the pipeline, then starts a run or sets up the schedule."""
    host = order["host"]
    ensure_reachable(host)
    with readable_errors(host):
        client = connect(order)
        pipeline_id, version = upload(client, order)
        experiment = client.create_experiment(order["experiment"], namespace=order["namespace"])
        common = {
            "experiment_id": experiment.experiment_id,
            "pipeline_id": pipeline_id,
            "version_id": version.pipeline_version_id,
            "service_account": order["service_account"],
            "enable_caching": False,
        }
        result = {
            "host": host,
            "pipeline_id": pipeline_id,
            "version": order["version"],
            "version_id": version.pipeline_version_id,
        }
        if order["schedule"]:
            return {**result, "recurring_run_id": schedule(client, order, common)}
        run = client.run_pipeline(job_name=order["version"], **common)
        return {**result, "run_id": run.run_id}


def ensure_reachable(host: str) -> None:
    """Requests the API's health, to tell a wrong host from a wrong request."""
    import requests

    url = f"{host.rstrip('/')}/apis/v2beta1/healthz"
    try:
        response = requests.get(url, headers=headers(), timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        reason = type(error).__name__
        raise Refused(
            f"--submit: {host} cannot be reached: {reason}. Is a port forwarded?"
        ) from None
    if response.status_code == 404:
        raise Refused(
            f"--submit: {host} has no API v2beta1: it needs Kubeflow Pipelines 2 or later"
        )
    ensure_authorised(host, response.status_code)
    if "json" not in response.headers.get("content-type", ""):
        raise Refused(f"--submit: {host} is not Kubeflow Pipelines")


def headers() -> dict[str, str]:
    """The headers that authenticate a request."""
    token, cookies = os.environ.get(TOKEN), os.environ.get(COOKIES)
    found = {"Authorization": f"Bearer {token}"} if token else {}
    return {**found, "Cookie": cookies} if cookies else found


def ensure_authorised(host: str, status: int) -> None:
    """Raises Refused if a response's status means that authentication failed."""
    if status in (301, 302, 303, 307, 401, 403):
        given = [name for name in (TOKEN, COOKIES) if os.environ.get(name)]
        what = f"does not accept {' and '.join(given)}" if given else "requires authentication"
        remedy = "Set" if not given else "Renew"
        raise Refused(f"--submit: {host} {what} ({status}). {remedy} {TOKEN} or {COOKIES}")


@contextlib.contextmanager
def readable_errors(host: str) -> Iterator[None]:
    """Turns the client's exceptions into one line."""
    import kfp_server_api
    import urllib3

    try:
        yield
    except kfp_server_api.ApiException as error:
        ensure_authorised(host, error.status)
        try:
            reason = json.loads(error.body)["error"]
        except (TypeError, ValueError, KeyError):
            reason = str(error.reason)
        raise Refused(f"--submit: {host} refused ({error.status}): {reason}") from None
    except urllib3.exceptions.HTTPError as error:
        raise Refused(f"--submit: {host}: {type(error).__name__}") from None


def connect(order: dict[str, Any]) -> Any:
    """A client of kfp."""
    import kfp

    return kfp.Client(
        host=order["host"],
        namespace=order["namespace"],
        existing_token=os.environ.get(TOKEN),
        cookies=os.environ.get(COOKIES),
    )


def upload(client: Any, order: dict[str, Any]) -> tuple[str, Any]:
    """Uploads a version and, for the first one, the pipeline; returns pipeline id and version."""
    path, name, version = order["file"], order["pipeline"], order["version"]
    pipeline_id = client.get_pipeline_id(name)
    if pipeline_id is None:
        pipeline = client.upload_pipeline(path, name, namespace=order["namespace"])
        pipeline_id = pipeline.pipeline_id
    return pipeline_id, client.upload_pipeline_version(path, version, pipeline_id=pipeline_id)


def schedule(client: Any, order: dict[str, Any], common: dict[str, Any]) -> str:
    """Creates the recurring run, deletes that of an earlier version and returns the new id."""
    name, wanted = order["pipeline"], order["schedule"]
    earlier = list(recurring_runs(client, common["experiment_id"]))
    made = client.create_recurring_run(
        job_name=name,
        cron_expression=f"0 {wanted['cron']}",  # Kubeflow's first field is seconds
        max_concurrency=wanted["max_concurrency"],
        no_catchup=not wanted["catchup"],
        enabled=wanted["enabled"],
        params=wanted["parameters"],
        **common,
    )
    for old in earlier:
        if old.display_name == name:
            client.delete_recurring_run(old.recurring_run_id)
    return str(made.recurring_run_id)


def recurring_runs(client: Any, experiment_id: str) -> Iterator[Any]:
    """All recurring runs of an experiment, page by page."""
    token = ""
    while True:
        page = client.list_recurring_runs(
            page_token=token, page_size=100, experiment_id=experiment_id
        )
        yield from page.recurring_runs or []
        token = page.next_page_token
        if not token:
            return


def main() -> int:
    """Submits the order on standard input and returns the exit code."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    order = json.load(sys.stdin)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the client prints links
            result = submit(order)
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
