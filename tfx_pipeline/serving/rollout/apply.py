"""Changes a model's traffic, in the order that TensorFlow Serving needs.

TensorFlow Serving refuses a configuration whose label points to a version that is
not loaded, and does not load it then either. With a server to ask, the version is
loaded first and the label moved when it answers. The local server needs no such
care: there a label waits for its version.
"""

from __future__ import annotations

import time

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.client.sync import Client
from tfx_pipeline.serving.rollout import model_server_config
from tfx_pipeline.serving.rollout.traffic_state import Traffic

_PAUSE_SECONDS = 0.2


def apply(before: Traffic, after: Traffic, target: str | None, timeout: float) -> None:
    """Writes the new traffic.

    Args:
      target: the server to wait for; absent, the labels are moved at once.
      timeout: how long to wait for it, in seconds.

    Raises:
      ServingError: the server cannot be reached, or does not load the version; the
        labels are as they were.
    """
    wanted = {*after.state.labels.values()}
    if target is not None:
        with Client(target, after.model, timeout=timeout) as client:
            if not wanted <= _answering(client):
                _load_first(before, wanted, client, timeout)
    after.write()


def _load_first(before: Traffic, wanted: set[int], client: Client, timeout: float) -> None:
    present = {*before.state.labels.values()} or {*before.versions()[-1:]}
    config = before.config()
    policy = config.model_config_list.config[0].model_version_policy
    policy.specific.versions[:] = sorted(present | wanted)
    model_server_config.write(before.config_file, config)
    deadline = time.monotonic() + timeout
    while not wanted <= _answering(client):
        if time.monotonic() > deadline:
            before.write_config()
            missing = ", ".join(map(str, sorted(wanted - _answering(client))))
            raise ServingError(
                "DEADLINE_EXCEEDED",
                f"the server did not load version {missing} in {timeout:g} s; does it poll "
                f"{before.config_file}? The labels are as they were",
            )
        time.sleep(_PAUSE_SECONDS)


def _answering(client: Client) -> set[int]:
    return {version for version, state in client.versions().items() if state == "AVAILABLE"}
