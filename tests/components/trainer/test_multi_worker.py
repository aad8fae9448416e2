"""A training in several processes: who writes, what is said when one fails, that none is left."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import socket
import threading
import time

import pytest

from tests import worker_hosts
from tests.components.trainer.test_trainer import HERE, train
from tfx_pipeline import errors
from tfx_pipeline.components.common import messages
from tfx_pipeline.components.trainer import local_worker, remote_worker

pytestmark = pytest.mark.tensorflow

TWO = {"custom_config": {"training": {"strategy": "multi_worker"}}}


def running_workers(folder):
    """The processes whose environment names the folder of a test."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"PLACES={folder}".encode() in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Where workers of this test say what they were given; none is left running."""
    folder = tmp_path / "places"
    folder.mkdir()
    monkeypatch.setenv("PLACES", str(folder))
    yield folder
    assert running_workers(folder) == []


def told(places):
    """What each worker was given: the model's folder, and TF_CONFIG."""
    return [json.loads(path.read_text()) for path in sorted(places.iterdir())]


def test_only_the_chief_writes_the_model(tmp_path, places):
    _, model = train(tmp_path, f"{HERE}.placed_run_fn", **TWO)
    (chief, first), (other, second) = told(places)
    assert chief == str(model / "Format-Serving")
    assert not other.startswith(str(tmp_path / "model"))
    assert not pathlib.Path(other).exists()
    given = json.loads((model / "Format-Serving" / "given.json").read_text())
    assert given["train_files"] == [str(tmp_path / "examples" / "Split-train" / "*")]
    assert given["custom_config"]["training"]["steps"] == 7
    assert first["cluster"] == second["cluster"]
    assert len(set(first["cluster"]["worker"])) == 2
    assert [c["task"]["index"] for c in (first, second)] == [0, 1]


def test_a_killed_worker_ends_a_chief_that_waits_for_ever(tmp_path, places):
    message = "training ended because worker 1 of 2 was killed by SIGKILL. Perhaps the memory"
    with pytest.raises(errors.NodeError, match=message):
        train(tmp_path, f"{HERE}.stuck_chief_run_fn", **TWO)


def test_a_worker_that_fails_after_the_chief_has_ended_changes_nothing(
    tmp_path, places, monkeypatch
):
    """TensorFlow's connections may break when the chief ends first; the model is complete."""
    model = tmp_path / "model" / "Format-Serving" / "given.json"
    monkeypatch.setenv("CHIEFS_MODEL", str(model))
    train(tmp_path, f"{HERE}.late_failure_run_fn", **TWO)
    assert model.exists()


def test_an_error_in_the_users_code_names_the_worker(tmp_path, places):
    message = r"(the chief|worker 1 of 2) failed: ZeroDivisionError: in the user's code \(.*line"
    with pytest.raises(errors.NodeError, match=message):
        train(tmp_path, f"{HERE}.failing_run_fn", **TWO)


def test_a_refusal_in_the_users_code_is_a_refusal(tmp_path, places):
    output, _ = train(tmp_path, f"{HERE}.refusing_run_fn", **TWO)
    assert output.execution_result.code == 103
    assert "too few rows" in output.execution_result.result_message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 1}, "training.workers must be a number from 2 on, found 1"),
        ({"workers": "many"}, "training.workers must be a number from 2 on, found 'many'"),
        ({"strategy": "all"}, None),
    ],
)
def test_settings_that_no_configuration_allows(tmp_path, settings, message):
    """A pipeline made in Python has no configuration that was checked before."""
    section = {"strategy": "multi_worker", **settings}
    if message is None:  # run_fn reads it, as with one process
        train(tmp_path, f"{HERE}.run_fn", custom_config={"training": section})
        return
    with pytest.raises(errors.ConfigError, match=message):
        train(tmp_path, f"{HERE}.run_fn", custom_config={"training": section})


def test_a_tf_config_from_outside_is_used_as_it_is(tmp_path, places, monkeypatch):
    """Its other worker is started by whoever has set it."""
    ports = local_worker.free_ports(2)
    given = {
        "cluster": {"chief": [f"localhost:{ports[0]}"], "worker": [f"localhost:{ports[1]}"]},
        "task": {"type": "chief", "index": 0},
        "environment": "cloud",
    }
    monkeypatch.setenv("TF_CONFIG", json.dumps(given))
    train(tmp_path, f"{HERE}.placed_run_fn", **TWO)
    assert [config for _, config in told(places)] == [given]


@pytest.mark.parametrize(
    ("tf_config", "message"),
    [
        ("{", "TF_CONFIG, which is no JSON"),
        (
            {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}},
            "TF_CONFIG names this process as worker 1 of 2, and a node runs in the chief",
        ),
    ],
)
def test_a_tf_config_that_is_not_a_chiefs(tmp_path, monkeypatch, tf_config, message):
    text = tf_config if isinstance(tf_config, str) else json.dumps(tf_config)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(errors.ConfigError, match=message):
        train(tmp_path, f"{HERE}.run_fn", **TWO)


@pytest.fixture
def host():
    """A machine that waits for a chief with the key `secret`: its address, and the process."""
    (port,) = local_worker.free_ports(1)
    with worker_hosts.serve(port) as process:
        yield f"127.0.0.1:{port}", process


def test_a_worker_on_another_machine(tmp_path, places, monkeypatch, host):
    """The host is started with the environment of the test, as a pod with that of its image."""
    address, _ = host
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", address)
    monkeypatch.setenv("TFX_PIPELINE_WORKERS_KEY", "secret")
    with socket.create_connection(address.split(":")):
        pass  # as Kubernetes looks whether the port is open
    for run in ("one", "two"):  # one training after the other
        train(tmp_path / run, f"{HERE}.placed_run_fn", **TWO)
        (chief, first), (other, second) = told(places)
        assert chief.startswith(str(tmp_path / run / "model"))
        assert not other.startswith(str(tmp_path / run / "model"))
        assert first["cluster"] == second["cluster"]
        assert all(place.startswith("127.0.0.1:") for place in first["cluster"]["worker"])


def test_a_machine_that_is_gone_ends_a_chief_that_waits_for_ever(tmp_path, places, host):
    """The chief notices the end of the connection, and the host's worker the host's."""
    address, process = host
    line = remote_worker.RemoteWorker(address, "secret")
    assert line.poll() is None
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while line.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert line.poll() == 1
    assert re.search(f"its machine {address} is gone", line.outcome().message)
    line.stop()


def test_a_wrong_key_is_refused(tmp_path, monkeypatch, host):
    address, _ = host
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", address)
    monkeypatch.setenv("TFX_PIPELINE_WORKERS_KEY", "other")
    with pytest.raises(errors.NodeError, match=f"worker at {address} does not train: .* key"):
        train(tmp_path, f"{HERE}.run_fn", **TWO)


def test_a_machine_that_nobody_listens_on_is_named(tmp_path, monkeypatch):
    (port,) = local_worker.free_ports(1)
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", f"127.0.0.1:{port}")
    with pytest.raises(errors.NodeError, match=f"127.0.0.1:{port} cannot be reached: .*refused"):
        train(tmp_path, f"{HERE}.run_fn", **TWO)


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ("host", "must be HOST:PORT,HOST:PORT, found 'host'"),
        ("host:port", "found 'host:port'"),
        ("a:1,b:70000", "found 'b:70000'"),
        ("a:1,b:2", "names 2 machines, and the chief has 1 other workers"),
    ],
)
def test_broken_names_of_machines(tmp_path, monkeypatch, hosts, message):
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", hosts)
    with pytest.raises(errors.ConfigError, match=message):
        train(tmp_path, f"{HERE}.run_fn", **TWO)


def test_each_worker_has_gpus_of_its_own(tmp_path):
    starts = list(local_worker.starts(None, 2, ["0", "1", "2", "3"], str(tmp_path)))
    variables = [start.args[3]["CUDA_VISIBLE_DEVICES"] for start in starts]
    assert variables == ["0,2", "1,3"]
    with pytest.raises(errors.ConfigError, match=r"3 workers need a GPU each, .* has 2"):
        list(local_worker.starts(None, 3, ["0", "1"], str(tmp_path)))


def test_messages_larger_than_a_packet_and_broken_ones():
    one, other = socket.socketpair()
    with one, other:
        text = "x" * 300_000
        sent = {"text": text}
        # A thread: the buffers hold less than the message.
        thread = threading.Thread(target=messages.Connection(one).send, args=[sent])
        thread.start()
        line = messages.Connection(other)
        assert line.receive() == sent
        thread.join()
        assert not line.has_news()
        one.sendall(b"[1]\n")
        assert line.has_news()
        with pytest.raises(ValueError, match="must be a JSON object"):
            line.receive()
        one.close()
        assert line.receive() is None
