"""A search on two machines: a real host in a process of its own, with real workers."""

from __future__ import annotations

import logging
import pathlib
import threading
import time

import pytest

from tests import worker_hosts
from tests.components.tuner.test_tuner import Node
from tfx_pipeline import errors
from tfx_pipeline.components.common.worker_hosts import TRAINING, connect
from tfx_pipeline.components.trainer.local_worker import free_ports

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


@pytest.fixture
def host(monkeypatch):
    """Another machine, named `other`: its address and its process."""
    (port,) = free_ports(1)
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", f"127.0.0.1:{port}")
    monkeypatch.setenv("TFX_PIPELINE_WORKERS_KEY", worker_hosts.KEY)
    with worker_hosts.serve(port, MACHINE="other") as process:
        yield f"127.0.0.1:{port}", process


def used(node):
    """The machine of each trial."""
    file = pathlib.Path(f"{node.folder / 'calls'}-machines")
    return file.read_text().split() if file.exists() else []


def test_both_machines_train_and_a_worker_that_dies_costs_one_trial(node, host):
    found = node.execute("once_killed_elsewhere", trials=30, jobs=1, pruning="none")
    failed = [t for t in found["trials"] if t["state"] == "failed"]
    assert [t["reason"] for t in failed] == [
        "its process was ended by SIGKILL; perhaps there was too little memory: set tuning.jobs"
    ]
    assert len(found["trials"]) == 30
    assert len(used(node)) == 29
    assert set(used(node)) == {"this", "other"}
    again = node.execute("once_killed_elsewhere", trials=30, jobs=2, pruning="none", workers=3)
    assert again == found  # where they are trained does not ask for another search


def test_trials_of_a_machine_that_is_lost_are_trained_elsewhere(node, host, caplog):
    address, process = host

    def lose() -> None:
        while "other" not in used(node):
            time.sleep(0.02)
        process.kill()

    thread = threading.Thread(target=lose, daemon=True)
    thread.start()
    with caplog.at_level(logging.WARNING):
        found = node.execute("on_a_machine", trials=30, jobs=1, pruning="none")
    thread.join()
    assert [t["state"] for t in found["trials"]] == ["complete"] * 30
    assert f"Without the machine {address} from now on" in caplog.text


def test_the_time_out_ends_the_trials_of_other_machines(node, host):
    with pytest.raises(errors.NodeError, match=r"within tuning.timeout \(15s\)"):
        node.execute("endless", trials=3, jobs=1, timeout="15s")
    # The host would refuse a training while a worker runs.
    connection, _, answer = connect(host[0], TRAINING, worker_hosts.KEY)
    connection.close()
    assert answer["port"] > 0


def test_a_wrong_key_is_refused(node, host, monkeypatch):
    monkeypatch.setenv("TFX_PIPELINE_WORKERS_KEY", "other")
    with pytest.raises(errors.NodeError, match=r"worker at 127.0.0.1:\d+ does not train: .* key"):
        node.execute("slow", trials=2)


def test_a_machine_that_nobody_listens_on_is_named(node, monkeypatch):
    (port,) = free_ports(1)
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", f"127.0.0.1:{port}")
    with pytest.raises(errors.NodeError, match=f"127.0.0.1:{port} cannot be reached: .*refused"):
        node.execute("slow", trials=2)
