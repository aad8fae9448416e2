"""A server under load, at its limits, when it stops and when it is killed."""

from __future__ import annotations

import signal
import socket
import threading
import time

import pytest

from tests.serving import tiny
from tests.serving.harness import RawClient, wait_until
from tests.serving.tiny import NAME, ONE, PREDICT, Load, answer_of
from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving import Client
from tfx_pipeline.serving.protocol import protos

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]


def test_regress(tiny_server):
    raw_client = RawClient(tiny_server)
    body = {"signature_name": "regress", "examples": [{"x": 2.0}, {"x": 4.0}]}
    assert raw_client.post(f"/v1/models/{NAME}:regress", body) == (200, {"results": [2.0, 3.0]})
    request = protos.message("RegressionRequest")()
    request.model_spec.name, request.model_spec.signature_name = NAME, "regress"
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(2.0)
    reply = raw_client.prediction("Regress", request)
    assert [item.value for item in reply.result.regressions] == [2.0]


def test_infinity_and_nan_come_back(tiny_server):
    body = b'{"instances": [NaN, Infinity, -Infinity, 0.2]}'
    status, reply = RawClient(tiny_server).post(PREDICT, body)
    assert status == 200
    assert [str(value) for value in reply["predictions"]] == ["nan", "inf", "-inf", "1.1"]


def test_a_late_answer_is_a_504(impatient_server):
    raw_client = RawClient(impatient_server)
    body = {"signature_name": "slow", "inputs": [tiny.ROUNDS_A_SECOND * 2]}
    status, reply = raw_client.post(PREDICT, body)
    assert (status, reply) == (504, {"error": "the request took too long"})
    wait_until(lambda: raw_client.post(PREDICT, ONE) == (200, answer_of(1)))


def test_sigterm_lets_requests_end(impatient_server):
    found, started = [], threading.Event()

    def send():
        with Client(impatient_server.grpc, NAME, signature="slow", timeout=60) as client:
            client.signature()
            started.set()
            found.append(client.predict([{"rounds": tiny.ROUNDS_A_SECOND * 3}])["y"].tolist())

    sender = threading.Thread(target=send)
    sender.start()
    started.wait()
    time.sleep(0.5)
    impatient_server.process.send_signal(signal.SIGTERM)
    sender.join()
    assert found == [[1.0]]
    assert impatient_server.process.wait() == 0
    assert impatient_server.log().endswith("stopped\n")


def test_clients_survive_a_crash_and_a_restart(own_server):
    with Load(own_server) as load:
        wait_until(lambda: len(load.answers) > 20)
        own_server.kill()
        before = len(load.answers)
        own_server.start()
        wait_until(lambda: len(load.answers) > before + 20)
    assert load.failures == []


def test_a_full_server_refuses(own_server):
    raw_client, statuses = RawClient(own_server), []
    body = {"signature_name": "slow", "inputs": [tiny.ROUNDS_A_SECOND]}
    threads = [
        threading.Thread(target=lambda: statuses.append(raw_client.post(PREDICT, body)))
        for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [reply for status, reply in statuses if status == 429]
    assert refused
    assert {status for status, _ in statuses} == {200, 429}
    assert refused[0] == {"error": "too many requests are waiting"}
    assert raw_client.post(PREDICT, ONE)[0] == 200


def test_a_grpc_deadline_is_kept(tiny_server):
    with Client(tiny_server.grpc, NAME, signature="slow", timeout=0.3) as client:
        with pytest.raises(ServingError) as caught:
            client.predict([{"rounds": tiny.ROUNDS_A_SECOND * 4}])
        assert caught.value.code == "DEADLINE_EXCEEDED"
    assert RawClient(tiny_server).post(PREDICT, ONE) == (200, answer_of(1))


def test_slow_and_vanishing_clients_do_not_block_others(tiny_server):
    address = ("127.0.0.1", int(tiny_server.rest.rpartition(":")[2]))
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()
    slow = [socket.create_connection(address) for _ in range(50)]
    for number, connection in enumerate(slow):
        connection.sendall(head[: 10 + number])
    for _ in range(20):
        gone = socket.create_connection(address)
        gone.sendall(head + b'{"instances"')
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()
    assert RawClient(tiny_server).post(PREDICT, ONE) == (200, answer_of(1))
    for connection in slow:
        connection.close()
    assert "Traceback" not in tiny_server.log()
