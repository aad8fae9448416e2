"""What the HTTP server does with requests, whatever they contain."""

from __future__ import annotations

import gzip
import json
import math
import threading

import pytest

from tests.serving import tiny
from tests.serving.harness import RawClient, wait_until
from tests.serving.tiny import NAME, ONE, PREDICT, answer_of

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

BODY = json.dumps(ONE).encode()


@pytest.fixture
def client(tiny_server):
    return RawClient(tiny_server)


def slow(seconds):
    return {"signature_name": "slow", "inputs": [tiny.ROUNDS_A_SECOND * seconds]}


def test_a_slow_request_after_quick_ones_does_not_block_others(client):
    found = []
    for _ in range(5):
        assert client.post(PREDICT, ONE) == (200, answer_of(1))
    sender = threading.Thread(target=lambda: found.append(client.post(PREDICT, slow(5))))
    sender.start()
    wait_until(lambda: client.post(PREDICT, ONE) == (200, answer_of(1)))
    for _ in range(20):
        assert client.post(PREDICT, ONE) == (200, answer_of(1))
    assert sender.is_alive()
    sender.join()
    assert found == [(200, {"outputs": [1.0]})]


def test_a_slow_request_after_quick_ones_is_a_504(impatient_server):
    client = RawClient(impatient_server)
    wait_until(lambda: client.post(PREDICT, ONE) == (200, answer_of(1)))
    status, reply = client.post(PREDICT, slow(2))
    assert (status, reply) == (504, {"error": "the request took too long"})


def test_gzip(client):
    found = client.request("POST", PREDICT, gzip.compress(BODY), Content_Encoding="gzip")
    assert (found[0], json.loads(found[2])) == (200, answer_of(1))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (BODY, "incorrect header check"),
        (gzip.compress(BODY)[:-9], "it is cut off"),
        (gzip.compress(BODY)[:-1] + b"\xff", "incorrect length check"),
        (gzip.compress(b" " * (100 * 2**20) + BODY), "contains more than 104857600 bytes"),
        (b"", "it is cut off"),
    ],
    ids=["none", "cut off", "broken", "large", "empty"],
)
def test_wrong_gzip_is_refused(client, body, message):
    status, _, reply = client.request("POST", PREDICT, body, Content_Encoding="gzip")
    assert status == 400
    assert message in json.loads(reply)["error"]
    assert client.post(PREDICT, ONE) == (200, answer_of(1))


def test_the_body_is_json_whatever_its_content_type(client):
    for content_type in ("multipart/form-data", "application/x-www-form-urlencoded", "x"):
        status, _, reply = client.request("POST", PREDICT, BODY, Content_Type=content_type)
        assert (status, json.loads(reply)) == (200, answer_of(1))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused_in_json(client, method):
    status, headers, reply = client.request(method, PREDICT, BODY)
    assert status == 400
    assert headers["Content-Type"] == "application/json"
    assert json.loads(reply) == {"error": f"Malformed request: {method} {PREDICT}"}


def test_a_head_request_has_no_body(client):
    status, _, reply = client.request("HEAD", f"/v1/models/{NAME}")
    assert (status, reply) == (400, b"")


def test_a_preflight_request_of_a_browser(client):
    assert client.request("OPTIONS", PREDICT, Origin="http://example.com")[0] == 200
    status, _, reply = client.request("OPTIONS", PREDICT)
    assert status == 400
    assert json.loads(reply) == {"error": "Origin header is missing in CORS preflight"}


def test_a_path_may_be_raw_utf8(client):
    for path in ("/v1/models/Zürich", "/v1/models/Z%C3%BCrich"):
        status, _, reply = client.request("GET", path)
        assert status == 404
        assert json.loads(reply) == {"error": "Could not find any versions of model Zürich"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\xef\xbb\xbf" + BODY, [2.0]),
        (b'{"instances": [Inf, -Inf, Infinity, 1e308]}', [math.inf, -math.inf, math.inf, math.inf]),
        (b'{"signature_name": "serving_default", "Inf": "Inf", "instances": [2.0]}', [2.0]),
        (b'{"\\ud83d\\ude95": "\\\\ud83d", "instances": [Inf]}', [math.inf]),
        (b'{"instances": [1%s, -Inf]}' % (b"0" * 300), [math.inf, -math.inf]),
    ],
    ids=["BOM", "Inf", "names", "two halves of a character", "300 digits"],
)  # fmt: skip
def test_json_as_tensorflow_serving_reads_it(client, body, expected):
    assert client.post(PREDICT, body) == (200, {"predictions": expected})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"instances": [1e400]}', "JSON Parse error: Number too big to be stored in double"),
        (b'{"instances": [NaN, -1e400]}', "Number too big to be stored in double: -1e400"),
        (b'{"instances": [%s.5]}' % (b"1" * 400), "Number too big to be stored in double"),
        (b'{"instances": [1, 2', "JSON Parse error"),
        (b'{"instances": %s1.0%s}' % (b"[" * 33, b"]" * 33), "more than 32 dimensions"),
        (b'{"instances": [%s]}' % (b"1" * 400), "Number too big to be stored in double"),
        (b'{"instances": [-%s]}' % (b"1" * 6000), "Number too big to be stored in double"),
        (b'{"instances": [%s]}' % (b"9" * 309), "Number too big to be stored in double"),
        (b'{"instances": ["\\ud800"]}', "The surrogate pair in string is invalid."),
        (b'{"signature_name": "\\uDC00", "instances": [1]}', "The surrogate pair in string is"),
        (b'{"a\\udbffb": [NaN]}', "The surrogate pair in string is invalid."),
    ],
    ids=[
        "1e400",
        "-1e400",
        "400 digits",
        "cut off",
        "33 lists",
        "400",
        "6000",
        "309",
        "half a character",
        "half a character in a name",
        "half a character in a key",
    ],
)
def test_json_that_is_refused(client, body, message):
    status, reply = client.post(PREDICT, body)
    assert status == 400
    assert message in reply["error"]
