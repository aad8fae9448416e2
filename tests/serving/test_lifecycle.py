"""Versions come and go, servers too, and clients see none of it."""

from __future__ import annotations

import shutil
import signal
import socket
import threading
import time

import grpc
import pytest
from google.protobuf import text_format

from tests.serving import tiny
from tests.serving.harness import Asker, wait_until
from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving import Client, LocalServer, modelconfig, protos

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

NAME = "tiny"
PREDICT = f"/v1/models/{NAME}:predict"
ONE = {"instances": [2.0]}


def answer_of(version):
    return {"predictions": [1.0 + version]}


@pytest.fixture
def base_path(tmp_path):
    folder = tmp_path / NAME
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server that each test gives a model of its own."""
    config = tmp_path_factory.mktemp("shared") / "models.config"
    config.write_text("model_config_list {}")
    with LocalServer("--model-config-file", str(config)) as server:
        yield server


def take_over(server, base_path):
    """Lets the server serve that folder, and nothing else."""
    request = protos.message("ReloadConfigRequest")()
    request.config.CopyFrom(modelconfig.single(NAME, base_path))
    Asker(server).model("HandleReloadConfigRequest", request)
    return server


@pytest.fixture
def started():
    """Starts servers that are stopped in the end."""
    running = []

    def start(*arguments, **options):
        server = LocalServer(*map(str, arguments), **options)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def server(base_path, shared):
    """Version 1, and a server that looks for others each second."""
    tiny.push(base_path, 1)
    return take_over(shared, base_path)


@pytest.fixture
def own_server(base_path, started):
    """The same with a server that only this test has."""
    tiny.push(base_path, 1)
    return serve(started, base_path)


def serve(started, base_path, *arguments):
    return started("--model-name", NAME, "--model-base-path", base_path, *arguments)


def states(ask):
    status, reply = ask.get(f"/v1/models/{NAME}")
    found = reply.get("model_version_status", [])
    return {int(one["version"]): one["state"] for one in found} if status == 200 else {}


def reason(ask, version):
    """Why a version cannot be loaded."""
    reply = ask.get(f"/v1/models/{NAME}/versions/{version}")[1]
    return reply["model_version_status"][0]["status"]["error_message"]


class Load:
    """Clients that ask without a pause; what they were answered."""

    def __init__(self, server, count=4):
        self.answers, self.failures, self._stop = [], [], threading.Event()
        targets = [server.grpc, server.rest] * (count // 2)
        self._threads = [threading.Thread(target=self._run, args=[t]) for t in targets]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, target):
        with Client(target, NAME, signature="serving_default", timeout=60) as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(float(client.predict([{"x": 2.0}])["y"][0]))
                except ServingError as error:
                    self.failures.append(error)


def test_a_new_version_answers_and_no_request_fails(server, base_path):
    ask = Asker(server)
    with Load(server) as load:
        for version in range(2, 8):
            tiny.push(base_path, version)
            wait_until(lambda version=version: states(ask) == {version: "AVAILABLE"})
            assert ask.post(PREDICT, ONE) == (200, answer_of(version))
    assert load.failures == []
    assert set(load.answers) == {1.0 + version for version in range(1, 8)}


def test_a_request_ends_on_the_version_it_began_with(server, base_path):
    ask, found = Asker(server), []
    rounds = tiny.ROUNDS_A_SECOND * 4

    def ask_slowly():
        body = {"signature_name": "slow", "inputs": [rounds]}
        found.append(ask.post(PREDICT, body))

    asking = threading.Thread(target=ask_slowly)
    asking.start()
    tiny.push(base_path, 2)
    wait_until(lambda: ask.post(PREDICT, ONE)[1] == answer_of(2))
    asking.join()
    assert found == [(200, {"outputs": [1.0]})]
    wait_until(lambda: states(ask) == {2: "AVAILABLE"})


def test_a_version_that_cannot_be_loaded_displaces_nothing(server, base_path):
    ask = Asker(server)
    (base_path / "2").mkdir()
    wait_until(lambda: states(ask) == {1: "AVAILABLE", 2: "END"})
    (base_path / "2" / "saved_model.pb").write_bytes(b"nonsense")
    wait_until(lambda: server.log().count(f"{base_path}/2") and "parse" in reason(ask, 2))
    assert ask.post(PREDICT, ONE) == (200, answer_of(1))
    assert ask.post(f"/v1/models/{NAME}/versions/2:predict", ONE)[0] == 404


def test_a_half_copied_version_is_taken_when_it_is_whole(server, base_path, tmp_path):
    ask = Asker(server)
    tiny.save(tmp_path / "whole", 2)
    shutil.copytree(tmp_path / "whole", base_path / "2", ignore=shutil.ignore_patterns("var*"))
    wait_until(lambda: states(ask) == {1: "AVAILABLE", 2: "END"})
    assert ask.post(PREDICT, ONE) == (200, answer_of(1))
    shutil.copytree(tmp_path / "whole", base_path / "2", dirs_exist_ok=True)
    wait_until(lambda: states(ask) == {2: "AVAILABLE"})
    assert ask.post(PREDICT, ONE) == (200, answer_of(2))


def test_a_deleted_version_is_unloaded_and_the_one_before_answers(server, base_path):
    ask = Asker(server)
    tiny.push(base_path, 2)
    wait_until(lambda: states(ask) == {2: "AVAILABLE"})
    shutil.rmtree(base_path / "2")
    wait_until(lambda: states(ask) == {1: "AVAILABLE"})
    assert ask.post(PREDICT, ONE) == (200, answer_of(1))


def test_a_base_path_without_versions_waits_for_one(base_path, shared):
    server = take_over(shared, base_path)
    ask = Asker(server)
    assert "no versions" in server.log()
    assert ask.post(PREDICT, ONE)[0] == 404
    tiny.push(base_path, 1)
    wait_until(lambda: ask.post(PREDICT, ONE) == (200, answer_of(1)))


def test_regress(server):
    ask = Asker(server)
    body = {"signature_name": "regress", "examples": [{"x": 2.0}, {"x": 4.0}]}
    assert ask.post(f"/v1/models/{NAME}:regress", body) == (200, {"results": [2.0, 3.0]})
    request = protos.message("RegressionRequest")()
    request.model_spec.name, request.model_spec.signature_name = NAME, "regress"
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(2.0)
    reply = ask.prediction("Regress", request)
    assert [item.value for item in reply.result.regressions] == [2.0]


def test_infinity_and_nan_come_back(server):
    body = b'{"instances": [NaN, Infinity, -Infinity, 0.2]}'
    status, reply = Asker(server).post(PREDICT, body)
    assert status == 200
    assert [str(value) for value in reply["predictions"]] == ["nan", "inf", "-inf", "1.1"]


def test_policies_and_several_models(base_path, shared):
    for version in (1, 2, 3):
        tiny.push(base_path, version)
    policies = {"latest": "latest { num_versions: 2 }", "every": "all {}"}
    policies["chosen"] = "specific { versions: 2 }"
    request = protos.message("ReloadConfigRequest")()
    for name, policy in policies.items():
        model = request.config.model_config_list.config.add(name=name, base_path=str(base_path))
        model.model_platform = "tensorflow"
        text_format.Parse(policy, model.model_version_policy)
    ask = Asker(shared)
    ask.model("HandleReloadConfigRequest", request)
    found = {name: ask.get(f"/v1/models/{name}")[1]["model_version_status"] for name in policies}
    versions = {name: [one["version"] for one in status] for name, status in found.items()}
    assert versions == {"latest": ["3", "2"], "every": ["3", "2", "1"], "chosen": ["2"]}
    assert ask.post("/v1/models/chosen:predict", ONE) == (200, answer_of(2))


def test_a_configuration_is_reloaded(server, base_path):
    ask = Asker(server)
    request = protos.message("ReloadConfigRequest")()
    request.config.CopyFrom(modelconfig.single("other", base_path))
    labels = request.config.model_config_list.config[0].version_labels
    labels["stable"] = 7
    with pytest.raises(grpc.RpcError) as caught:
        ask.model("HandleReloadConfigRequest", request)
    assert caught.value.code().name == "FAILED_PRECONDITION"
    assert "assign label to version 7 of model other" in caught.value.details()
    assert ask.post(PREDICT, ONE)[0] == 200
    del labels["stable"]
    ask.model("HandleReloadConfigRequest", request)
    assert ask.post("/v1/models/other:predict", ONE) == (200, answer_of(1))
    assert ask.post(PREDICT, ONE)[0] == 404


def test_a_polled_configuration_moves_labels(base_path, started, tmp_path):
    for version in (1, 2):
        tiny.push(base_path, version)
    config = tmp_path / "models.config"

    def point_to(version):
        text = modelconfig.single(NAME, base_path)
        model = text.model_config_list.config[0]
        model.model_version_policy.specific.versions.append(version)
        model.version_labels["stable"] = version
        modelconfig.write(config, text)

    point_to(1)
    options = ("--model-config-file-poll-wait-seconds", "1")
    server = started("--model-config-file", config, *options)
    ask, path = Asker(server), f"/v1/models/{NAME}/labels/stable:predict"
    assert ask.post(path, ONE) == (200, answer_of(1))
    answers = []
    point_to(2)
    wait_until(lambda: answers.append(ask.post(path, ONE)) or answers[-1][1] == answer_of(2))
    assert {status for status, _ in answers} == {200}
    config.write_text("nonsense {")
    wait_until(lambda: "the configuration stays as it was" in server.log())
    assert ask.post(path, ONE) == (200, answer_of(2))


def test_sigterm_lets_requests_end(own_server):
    ask, found = Asker(own_server), []
    body = {"signature_name": "slow", "inputs": [tiny.ROUNDS_A_SECOND * 3]}
    asking = threading.Thread(target=lambda: found.append(ask.post(PREDICT, body)))
    asking.start()
    time.sleep(0.5)
    own_server.process.send_signal(signal.SIGTERM)
    asking.join()
    assert found == [(200, {"outputs": [1.0]})]
    assert own_server.process.wait() == 0
    assert own_server.log().endswith("ended\n")


def test_clients_survive_a_crash_and_a_restart(own_server):
    with Load(own_server) as load:
        wait_until(lambda: len(load.answers) > 20)
        own_server.kill()
        before = len(load.answers)
        own_server.start()
        wait_until(lambda: len(load.answers) > before + 20)
    assert [error for error in load.failures if error.code != "UNAVAILABLE"] == []
    assert len(load.failures) <= 4, "at most what each was asking when the server died"


def test_a_full_server_refuses(base_path, started):
    tiny.push(base_path, 1)
    server = serve(started, base_path, "--max-pending-requests", "1")
    ask, statuses = Asker(server), []
    body = {"signature_name": "slow", "inputs": [tiny.ROUNDS_A_SECOND]}
    threads = [
        threading.Thread(target=lambda: statuses.append(ask.post(PREDICT, body))) for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [reply for status, reply in statuses if status == 429]
    assert refused
    assert {status for status, _ in statuses} == {200, 429}
    assert refused[0] == {"error": "too many requests are waiting"}
    assert ask.post(PREDICT, ONE)[0] == 200


def test_a_late_answer_is_a_504(base_path, started):
    tiny.push(base_path, 1)
    ask = Asker(serve(started, base_path, "--rest_api_timeout_in_ms", "50"))
    body = {"signature_name": "slow", "inputs": [tiny.ROUNDS_A_SECOND * 2]}
    status, reply = ask.post(PREDICT, body)
    assert (status, reply) == (504, {"error": "the answer took too long"})
    assert ask.post(PREDICT, ONE)[0] in (200, 504)


def test_slow_and_vanishing_clients_keep_nobody_waiting(server):
    address = ("127.0.0.1", int(server.rest.rpartition(":")[2]))
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()
    slow = [socket.create_connection(address) for _ in range(50)]
    for number, connection in enumerate(slow):
        connection.sendall(head[: 10 + number])
    for _ in range(20):
        gone = socket.create_connection(address)
        gone.sendall(head + b'{"instances"')
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()
    assert Asker(server).post(PREDICT, ONE) == (200, answer_of(1))
    for connection in slow:
        connection.close()
    assert "Traceback" not in server.log()
