"""The clients over TLS, with a certificate that only they trust."""

from __future__ import annotations

import asyncio
import datetime
import http.server
import ipaddress
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving import AsyncClient, Client
from tfx_pipeline.serving.protocol import protos

STATUS = b'{"model_version_status": [{"version": "7", "state": "AVAILABLE"}]}'


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Paths of a key and of a certificate for 127.0.0.1, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - day).not_valid_after(now + day)
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    (folder / "key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "cert").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    return folder / "key", folder / "cert"


@pytest.fixture(scope="module")
def rest(certificate):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.headers["Authorization"] == "Bearer x" else 401)
            self.send_header("Content-Length", str(len(STATUS)))
            self.end_headers()
            self.wfile.write(STATUS)

        def log_message(self, *_):
            pass

    key, cert = certificate
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def rpc(certificate):
    """A ModelService that requires a header."""

    def status(request, context):
        if ("authorization", "Bearer x") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "the header is missing")
        response = protos.message("GetModelStatusResponse")()
        response.model_version_status.add(version=7, state=30)
        return response

    request, response = protos.methods(protos.MODEL_SERVICE)["GetModelStatus"]
    handler = grpc.unary_unary_rpc_method_handler(
        status, request.FromString, response.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(protos.MODEL_SERVICE, {"GetModelStatus": handler})]
    )
    key, cert = (path.read_bytes() for path in certificate)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, cert)]))
    server.start()
    yield f"grpcs://127.0.0.1:{port}"
    server.stop(0)


@pytest.fixture(params=["rest", "rpc"])
def target(request):
    return request.getfixturevalue(request.param)


HEADERS = {"Authorization": "Bearer x"}


def test_a_trusted_server(target, certificate):
    with Client(target, "x", headers=HEADERS, ca_file=str(certificate[1])) as client:
        assert client.versions() == {7: "AVAILABLE"}


def test_a_trusted_server_in_an_event_loop(target, certificate):
    async def versions():
        async with AsyncClient(target, "x", headers=HEADERS, ca_file=str(certificate[1])) as client:
            return await client.versions()

    assert asyncio.run(versions()) == {7: "AVAILABLE"}


def test_without_its_certificate_nothing_is_sent(target):
    client = Client(target, "x", headers=HEADERS, timeout=1)
    with client, pytest.raises(ServingError) as caught:
        client.versions()
    assert caught.value.code == "UNAVAILABLE"


def test_without_the_header(target, certificate):
    client = Client(target, "x", ca_file=str(certificate[1]))
    with client, pytest.raises(ServingError) as caught:
        client.versions()
    assert caught.value.code == "UNAUTHENTICATED"
