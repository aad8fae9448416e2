"""Changes the traffic of a model in the order that TensorFlow Serving needs.

TensorFlow Serving refuses a configuration in which a label points to a version that is
not loaded, and then does not load that version either. If a server is named, the version
is loaded first, and the label moves when the version is available. The local server does
not have this restriction: there a label waits for its version.

Clients that split traffic learn of a new label from the traffic's file. So it is written
when the server knows the label.
"""

from __future__ import annotations

import time

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving.client.sync import Client
from tfx_pipeline.serving.rollout import model_server_config
from tfx_pipeline.serving.rollout.traffic_state import Traffic

_POLL_SECONDS = 0.2


def apply_traffic(before: Traffic, after: Traffic, target: str | None, timeout: float) -> None:
    """Writes the new traffic.

    Args:
      before: the traffic now.
      after: the traffic to apply.
      target: the server to wait for; if None, the labels move at once.
      timeout: how long to wait for the server, in seconds.

    Raises:
      ServingError: the server cannot be reached, or does not load the version. The
        labels have then not changed.
    """
    wanted = {*after.state.labels.values()}
    if target is not None:
        with Client(target, after.model, timeout=timeout) as client:
            if not wanted <= _available_versions(client):
                _load_versions(before, wanted, client, timeout)
        new_labels = after.state.labels.keys() - before.state.labels.keys()
        _add_labels(before, after, sorted(new_labels), target, timeout)
    after.write()


def _load_versions(before: Traffic, wanted: set[int], client: Client, timeout: float) -> None:
    """Lets the server load versions while the labels stay where they are."""
    present = {*before.state.labels.values()} or {*before.versions()[-1:]}
    config = before.config()
    policy = config.model_config_list.config[0].model_version_policy
    policy.specific.versions[:] = sorted(present | wanted)
    model_server_config.write(before.config_file, config)
    deadline = time.monotonic() + timeout
    while not wanted <= _available_versions(client):
        if time.monotonic() > deadline:
            before.write_config()
            missing = ", ".join(map(str, sorted(wanted - _available_versions(client))))
            raise ServingError(
                "DEADLINE_EXCEEDED",
                f"the server did not load version {missing} in {timeout:g} s. Does it poll "
                f"{before.config_file}? The labels have not changed",
            )
        time.sleep(_POLL_SECONDS)


def _add_labels(
    before: Traffic, after: Traffic, labels: list[str], target: str, timeout: float
) -> None:
    """Writes the servers' configuration, and waits until the server knows new labels."""
    deadline = time.monotonic() + timeout
    after.write_config()
    for label in labels:
        with Client(target, after.model, label=label, timeout=timeout) as client:
            while not _is_known(client):
                if time.monotonic() > deadline:
                    before.write_config()
                    raise ServingError(
                        "DEADLINE_EXCEEDED",
                        f"the server did not set the label {label} in {timeout:g} s. Does it "
                        f"poll {before.config_file}? The labels have not changed",
                    )
                time.sleep(_POLL_SECONDS)


def _is_known(client: Client) -> bool:
    """Whether the server knows the client's label."""
    try:
        client.signature()
    except ConfigError:  # it knows the label; the model has no such signature
        return True
    except ServingError as error:
        if error.code not in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"):
            raise
        return False
    return True


def _available_versions(client: Client) -> set[int]:
    return {version for version, state in client.versions().items() if state == "AVAILABLE"}
