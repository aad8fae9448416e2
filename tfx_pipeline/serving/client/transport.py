"""How requests reach a server: gRPC or HTTP, with TLS and headers, waiting or not."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfx_pipeline.errors import ConfigError, Problem, ServingError
from tfx_pipeline.serving.client.protocols import Call, Grpc, Protocol, Rest
from tfx_pipeline.serving.protocol import protos

if TYPE_CHECKING:
    import grpc
    import httpx

_GREATEST_MESSAGE = 2**31 - 1
GRPC_OPTIONS = [
    ("grpc.max_receive_message_length", _GREATEST_MESSAGE),
    ("grpc.max_send_message_length", _GREATEST_MESSAGE),
]


@dataclasses.dataclass(frozen=True)
class Target:
    """Where the server is: `HOST:PORT` and `grpc://` are gRPC, `grpcs://` is gRPC over
    TLS, `http://` and `https://` are REST.

    Attributes:
      headers: sent with each request; gRPC calls them metadata.
      ca_file: certificates to trust, in place of the system's.
    """

    url: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ca_file: str | None = None

    def __post_init__(self) -> None:
        scheme, _, rest = self._parts()
        if scheme not in ("grpc", "grpcs", "http", "https"):
            remedy = "Use HOST:PORT, grpcs://, http:// or https://."
            raise ConfigError(Problem("target", f"{scheme}:// is not known", remedy))
        if not rest or (scheme.startswith("grpc") and ":" not in rest):
            remedy = "For example localhost:8500, or http://localhost:8501."
            raise ConfigError(Problem("target", f"must be HOST:PORT, found {self.url!r}", remedy))

    def _parts(self) -> tuple[str, str, str]:
        scheme, sign, rest = self.url.partition("://")
        return (scheme.lower(), sign, rest) if sign else ("grpc", "://", scheme)

    @property
    def is_rest(self) -> bool:
        return self._parts()[0].startswith("http")

    @property
    def is_secure(self) -> bool:
        return self._parts()[0].endswith("s")

    @property
    def address(self) -> str:
        """What comes after the scheme."""
        return self._parts()[2].rstrip("/")

    @property
    def protocol(self) -> Protocol:
        return Rest() if self.is_rest else Grpc()

    def certificates(self) -> bytes | None:
        """The contents of `ca_file`.

        Raises:
          ConfigError: it cannot be read.
        """
        if self.ca_file is None:
            return None
        try:
            return pathlib.Path(self.ca_file).read_bytes()
        except OSError as error:
            message = f"cannot be read: {error.strerror}"
            raise ConfigError(Problem(self.ca_file, message)) from error


def lower_headers(target: Target) -> list[tuple[str, str]]:
    """gRPC takes lower-case names only."""
    return [(name.lower(), value) for name, value in target.headers.items()]


class GrpcChannel:
    """Sends over gRPC and waits."""

    def __init__(self, target: Target):
        import grpc

        self._headers = lower_headers(target)
        if target.is_secure:
            credentials = grpc.ssl_channel_credentials(target.certificates())
            self._channel = grpc.secure_channel(target.address, credentials, GRPC_OPTIONS)
        else:
            self._channel = grpc.insecure_channel(target.address, GRPC_OPTIONS)
        self._methods: dict[str, Any] = {}

    def send(self, call: Call, timeout: float) -> Any:
        """The reply.

        Raises:
          ServingError: the server refused, or was not reached in time.
        """
        import grpc

        if call.method not in self._methods:
            self._methods[call.method] = unary(self._channel, call.method)
        try:
            return self._methods[call.method](call.payload, timeout, metadata=self._headers)
        except grpc.RpcError as error:
            raise grpc_error(error) from error

    def close(self) -> None:
        self._channel.close()


def unary(channel: grpc.Channel | grpc.aio.Channel, method: str) -> Any:
    """The callable of a method `/service/Method`."""
    _, service, name = method.split("/")
    request, response = protos.methods(service)[name]
    return channel.unary_unary(
        method,
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )


def grpc_error(error: Any) -> ServingError:
    """What gRPC raised."""
    return ServingError(error.code().name, error.details() or "no details")


class RestChannel:
    """Sends over HTTP and waits."""

    def __init__(self, target: Target):
        import httpx

        self._client = httpx.Client(**http_options(target))

    def send(self, call: Call, timeout: float) -> tuple[int, bytes]:
        """Status and body.

        Raises:
          ServingError: the server was not reached in time.
        """
        import httpx

        method, path = call.method.split(" ", 1)
        try:
            reply = self._client.request(method, path, content=call.payload, timeout=timeout)
        except httpx.HTTPError as error:
            raise http_error(error) from error
        return reply.status_code, reply.content

    def close(self) -> None:
        self._client.close()


def http_options(target: Target) -> dict[str, Any]:
    """What both of httpx's clients are made with.

    Raises:
      ConfigError: the certificates cannot be read.
    """
    import ssl

    scheme = "https" if target.is_secure else "http"
    options: dict[str, Any] = {"base_url": f"{scheme}://{target.address}"}
    if target.ca_file is not None:
        target.certificates()
        try:
            options["verify"] = ssl.create_default_context(cafile=target.ca_file)
        except ssl.SSLError as error:
            raise ConfigError(Problem(target.ca_file, "holds no certificates")) from error
    headers = {"Content-Type": "application/json", **target.headers}
    # A model server is asked directly: proxies of the environment are for the web.
    return {**options, "headers": headers, "trust_env": False}


def http_error(error: httpx.HTTPError) -> ServingError:
    """What httpx raised."""
    import httpx

    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return ServingError("DEADLINE_EXCEEDED", "the answer took too long")
    return ServingError("UNAVAILABLE", str(error) or type(error).__name__)
