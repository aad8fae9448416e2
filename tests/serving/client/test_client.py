"""The client without a model server: targets, retries, imports, merging of chunks."""

from __future__ import annotations

import asyncio
import http.server
import subprocess
import sys
import threading

import numpy as np
import pytest

from tfx_pipeline.errors import ConfigError, ServingError
from tfx_pipeline.serving import AsyncClient, Client, Split
from tfx_pipeline.serving.client.predictions import ChunkPredictions, merge
from tfx_pipeline.serving.client.transport import Target
from tfx_pipeline.serving.protocol.status_codes import grpc_code, http_status

PROGRAM = """
import sys
from tfx_pipeline.serving import AsyncClient, Client, LocalServer, Split, Traffic
for target in ("127.0.0.1:1", "http://127.0.0.1:1"):
    with Client(target, "x", timeout=2) as client:
        try:
            client.predict([{}])
        except Exception as error:
            assert error.code == "UNAVAILABLE", error
print(*sys.modules)
"""


def test_no_tensorflow_is_imported(project):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=project, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"grpc", "httpx"} <= loaded
    heavy = {"tensorflow", "tensorflow_serving", "tfx", "pandas", "pyarrow", "apache_beam"}
    assert loaded.isdisjoint(heavy)


@pytest.mark.parametrize(
    ("url", "is_rest", "is_secure", "address"),
    [
        ("localhost:8500", False, False, "localhost:8500"),
        ("grpc://h:1", False, False, "h:1"),
        ("grpcs://h:1", False, True, "h:1"),
        ("http://h:1/", True, False, "h:1"),
        ("https://h/prefix", True, True, "h/prefix"),
    ],
)
def test_targets(url, is_rest, is_secure, address):
    target = Target(url)
    assert (target.is_rest, target.is_secure, target.address) == (is_rest, is_secure, address)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Client("ftp://h:1", "x"), "ftp:// is not supported"),
        (lambda: Client("localhost", "x"), "must be HOST:PORT, found 'localhost'"),
        (lambda: Client("", "x"), "must be HOST:PORT"),
        (lambda: Client("h:1", "x", 1, "stable"), "a version or a label, not both"),
        (lambda: Client("h:1", "x", 1, split=Split(5)), "a split chooses the label"),
        (lambda: AsyncClient("h:1", "x", label="a", split=Split(5)), "a split chooses the label"),
        (lambda: Client("grpcs://h:1", "x", ca_file="none"), "none: cannot be read"),
        (lambda: Client("https://h:1", "x", ca_file="none"), "none: cannot be read"),
        (lambda: Client("https://h:1", "x", ca_file=__file__), "contains no certificates"),
    ],
)
def test_wrong_options(make, message):
    with pytest.raises(ConfigError) as caught:
        make()
    assert message in str(caught.value)


@pytest.fixture
def web_server():
    """Sends the replies that the test has put into `replies`; records the requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append((self.path, dict(self.headers)))
            status, body = server.replies.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.replies = [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


STATUS = b'{"model_version_status": [{"version": "7", "state": "AVAILABLE"}]}'


def test_unavailable_is_tried_again(web_server):
    web_server.replies += [(503, b""), (503, b""), (200, STATUS)]
    with Client(web_server.url, "x") as client:
        assert client.versions() == {7: "AVAILABLE"}


def test_other_refusals_are_not(web_server):
    web_server.replies += [(400, b'{"error": "no"}'), (200, STATUS)]
    with Client(web_server.url, "x") as client, pytest.raises(ServingError) as caught:
        client.versions()
    assert (caught.value.code, caught.value.message) == ("INVALID_ARGUMENT", "no")
    assert len(web_server.replies) == 1


def test_it_gives_up_at_the_deadline(web_server):
    web_server.replies += [(503, b"away")] * 50
    with Client(web_server.url, "x", timeout=0.3) as client, pytest.raises(ServingError) as caught:
        client.versions()
    assert str(caught.value) == "UNAVAILABLE: away"


@pytest.mark.parametrize(
    ("reply", "code"),
    [((200, b"<html>"), "INTERNAL"), ((200, b"[]"), "INTERNAL"), ((502, b"oops"), "INTERNAL")],
)
def test_a_reply_of_another_server(web_server, reply, code):
    web_server.replies.append(reply)
    with Client(web_server.url, "x") as client, pytest.raises(ServingError) as caught:
        client.versions()
    assert caught.value.code == code


def test_headers_and_names_go_along(web_server):
    web_server.replies.append((200, STATUS))
    with Client(web_server.url, "a b/c", headers={"Authorization": "Bearer x"}) as client:
        client.versions()
    (path, headers), *_ = web_server.requests
    assert path == "/v1/models/a%20b%2Fc"
    assert headers["Authorization"] == "Bearer x"


@pytest.mark.parametrize("target", ["127.0.0.1:1", "http://127.0.0.1:1"])
def test_no_server_listens(target):
    async def predict():
        async with AsyncClient(target, "x", timeout=0.2) as client:
            await client.predict([{}])

    with pytest.raises(ServingError) as caught:
        asyncio.run(predict())
    assert caught.value.code == "UNAVAILABLE"


def test_http_statuses_of_codes_and_codes_of_statuses():
    for code in ("INVALID_ARGUMENT", "NOT_FOUND", "UNAVAILABLE", "RESOURCE_EXHAUSTED"):
        assert grpc_code(http_status(code)) == code
    assert http_status("FAILED_PRECONDITION") == 400
    assert http_status("UNIMPLEMENTED") == 501
    assert http_status("INTERNAL") == http_status("DATA_LOSS") == 500


def test_parts_are_put_in_order():
    parts = [
        ChunkPredictions([2, 0], {"y": np.array([b"c", b"a"], object)}, 1, "stable", 0.1),
        ChunkPredictions([1], {"y": np.array([b"b"], object)}, 2, "canary", 0.2),
    ]
    merged = merge(parts, ["y"])
    assert merged["y"].tolist() == ["a", "b", "c"]
    assert merged.versions.tolist() == [1, 2, 1]
    assert merged.labels.tolist() == ["stable", "canary", "stable"]
    assert merged.rows() == [{"y": "a"}, {"y": "b"}, {"y": "c"}]
    assert len(merge([], ["y"])) == 0


def test_float32_has_its_own_digits():
    outputs = {"probabilities": np.array([[0.1, 0.9]], np.float32)}
    outputs["classes"] = np.array([[b"no", b"yes"]], object)
    merged = merge([ChunkPredictions([0], outputs, 1, "", 0.1)], [*outputs])
    assert merged.flat_rows() == [{"probability_no": 0.1, "probability_yes": 0.9}]
