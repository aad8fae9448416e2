"""Flags of the local server that its other tests do not use."""

from __future__ import annotations

import re

import grpc
import pytest

from tests.serving import tiny
from tests.serving.harness import RawClient, wait_until
from tests.serving.tiny import NAME, ONE, PREDICT, answer_of
from tfx_pipeline.errors import ConfigError
from tfx_pipeline.serving import Client, LocalServer
from tfx_pipeline.serving.local_server import ports
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout import model_server_config

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

SIGNATURE = "serving_default"

OPEN = "--host {}: everybody who can reach this machine may request predictions and replace"

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


def cors(headers):
    return {name: text for name, text in headers.items() if name.startswith("Access-Control")}


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """A server for everybody: all addresses, all web pages, one thread for each API."""
    folder = tmp_path_factory.mktemp("open") / NAME
    folder.mkdir()
    tiny.push(folder, 1)
    with LocalServer(
        "--model-name", NAME, "--model-base-path", str(folder), "--host", "0.0.0.0",
        "--rest_api_enable_cors_support", "--rest_api_num_threads=1", "--grpc_max_threads=1",
        "--allow_version_labels_for_unavailable_models", "--num_load_threads", "2",
        "--enable_grpc_healthcheck_service=true", "--saved_model_tags=serve",
    ) as server:  # fmt: skip
        yield server, folder


def test_a_server_for_all_addresses_warns(open_server, shared):
    assert OPEN.format("0.0.0.0") in open_server[0].log()
    assert "everybody" not in shared.log()


def test_flags_that_change_no_answer_are_named(open_server):
    ignored = "The local server ignores: --enable-grpc-healthcheck-service, --num-load-threads\n"
    assert ignored in open_server[0].log()


def test_web_pages_of_other_sites(open_server, tiny_server):
    client = RawClient(open_server[0])
    status, headers, _ = client.request("OPTIONS", PREDICT, Origin="https://example.com")
    assert (status, cors(headers)) == (200, CORS)
    status, headers, _ = client.request("POST", PREDICT, b'{"instances": [2.0]}')
    assert (status, cors(headers)) == (200, CORS)
    status, headers, _ = client.request("POST", PREDICT, b"{")
    assert (status, cors(headers)) == (400, CORS)
    assert cors(RawClient(tiny_server).request("GET", f"/v1/models/{NAME}")[1]) == {}


def test_a_label_may_wait_for_its_version_if_that_is_allowed(open_server, shared):
    server, folder = open_server
    request = protos.message("ReloadConfigRequest")()
    request.config.CopyFrom(model_server_config.single(NAME, folder))
    request.config.model_config_list.config[0].version_labels["next"] = 2
    with pytest.raises(grpc.RpcError) as caught:
        RawClient(shared).model("HandleReloadConfigRequest", request)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    client, path = RawClient(server), f"/v1/models/{NAME}/labels/next:predict"
    client.model("HandleReloadConfigRequest", request)
    assert client.post(path, ONE)[0] == 400
    tiny.push(folder, 2)
    assert wait_until(lambda: client.post(path, ONE) == (200, answer_of(2)))


def ipv6_or_skip():
    try:
        ports.ensure_free("--port", "::1", 0)
    except ConfigError:
        pytest.skip("this machine has no IPv6")


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address(base_path, host):
    ipv6_or_skip()
    tiny.push(base_path, 1)
    arguments = ["--model-name", NAME, "--model-base-path", str(base_path)]
    with LocalServer(*arguments, "--host", host) as server:
        port, rest_port = (int(re.sub(r".*:", "", at)) for at in (server.grpc, server.rest))
        assert f"ready: gRPC on [::1]:{port}, REST on http://[::1]:{rest_port}/v1" in server.log()
        assert "everybody" not in server.log()
        with Client(f"[::1]:{port}", NAME, signature=SIGNATURE) as client:
            assert client.predict([{"x": 2.0}])["y"].tolist() == [2.0]
        with Client(f"http://[::1]:{rest_port}", NAME, signature=SIGNATURE) as client:
            assert client.predict([{"x": 2.0}])["y"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.0.2.1", False)],
)  # fmt: skip
def test_who_can_reach_a_host(host, expected):
    assert ports.is_loopback(host) is expected
