"""Channels to a server: gRPC or HTTP, with TLS and headers. These block; see `aio_transport`."""

from __future__ import annotations

import dataclasses
import pathlib
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tfx_pipeline.errors import ConfigError, Problem, ServingError
from tfx_pipeline.serving.client.protocols import Call, GrpcProtocol, Protocol, RestProtocol
from tfx_pipeline.serving.protocol import protos

if TYPE_CHECKING:
    import grpc
    import httpx

_MAX_MESSAGE_BYTES = 2**31 - 1
GRPC_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
]


@dataclasses.dataclass(frozen=True)
class Target:
    """The address of a server.

    `HOST:PORT` and `grpc://` mean gRPC, `grpcs://` means gRPC over TLS, `http://` and
    `https://` mean REST.

    Attributes:
      url: the address.
      headers: sent with each request; gRPC calls them metadata.
      ca_file: a file of certificates to trust, instead of the system's.

    Raises:
      ConfigError: the address is none of these.
    """

    url: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ca_file: str | None = None

    def __post_init__(self) -> None:
        scheme, address = self._scheme_and_address()
        if scheme not in ("grpc", "grpcs", "http", "https"):
            remedy = "Use HOST:PORT, grpcs://, http:// or https://."
            raise ConfigError(Problem("target", f"{scheme}:// is not supported", remedy))
        if not address or (scheme.startswith("grpc") and ":" not in address):
            remedy = "For example localhost:8500, or http://localhost:8501."
            raise ConfigError(Problem("target", f"must be HOST:PORT, found {self.url!r}", remedy))

    def _scheme_and_address(self) -> tuple[str, str]:
        scheme, separator, address = self.url.partition("://")
        return (scheme.lower(), address) if separator else ("grpc", self.url)

    @property
    def is_rest(self) -> bool:
        """Whether requests are sent over HTTP rather than gRPC."""
        return self._scheme_and_address()[0].startswith("http")

    @property
    def is_secure(self) -> bool:
        """Whether the connection uses TLS."""
        return self._scheme_and_address()[0].endswith("s")

    @property
    def address(self) -> str:
        """The part after the scheme."""
        return self._scheme_and_address()[1].rstrip("/")

    @property
    def protocol(self) -> Protocol:
        """What makes requests for this server."""
        return RestProtocol() if self.is_rest else GrpcProtocol()

    def certificates(self) -> bytes | None:
        """Returns the contents of `ca_file`, or None without one.

        Raises:
          ConfigError: the file cannot be read.
        """
        if self.ca_file is None:
            return None
        try:
            return pathlib.Path(self.ca_file).read_bytes()
        except OSError as error:
            message = f"cannot be read: {error.strerror}"
            raise ConfigError(Problem(self.ca_file, message)) from error


class GrpcChannel:
    """Sends requests over gRPC.

    Raises:
      ConfigError: the certificates of the target cannot be read.
    """

    def __init__(self, target: Target):
        import grpc

        self._metadata = grpc_metadata(target)
        if target.is_secure:
            credentials = grpc.ssl_channel_credentials(target.certificates())
            self._channel = grpc.secure_channel(target.address, credentials, GRPC_OPTIONS)
        else:
            self._channel = grpc.insecure_channel(target.address, GRPC_OPTIONS)
        self._methods: dict[str, Callable[..., Any]] = {}

    def send(self, call: Call, timeout: float) -> Any:
        """Returns the reply, a protobuf message.

        Args:
          call: the request.
          timeout: seconds to wait for the reply.

        Raises:
          ServingError: the server refused the request, or did not reply in time.
        """
        import grpc

        if call.method not in self._methods:
            self._methods[call.method] = unary(self._channel, call.method)
        try:
            return self._methods[call.method](call.payload, timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise grpc_error(error) from error

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


def grpc_metadata(target: Target) -> list[tuple[str, str]]:
    """Returns the headers as gRPC takes them: with names in lower case."""
    return [(name.lower(), value) for name, value in target.headers.items()]


def unary(channel: grpc.Channel | grpc.aio.Channel, method: str) -> Callable[..., Any]:
    """Returns the function that calls a method, named as `/service/Method`."""
    _, service, name = method.split("/")
    request, response = protos.methods(service)[name]
    call: Callable[..., Any] = channel.unary_unary(
        method,
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    return call


def grpc_error(error: Any) -> ServingError:
    """Returns the ServingError for a grpc.RpcError."""
    return ServingError(error.code().name, error.details() or "no details")


class RestChannel:
    """Sends requests over HTTP.

    Raises:
      ConfigError: the certificates of the target cannot be read.
    """

    def __init__(self, target: Target):
        import httpx

        self._client = httpx.Client(**http_options(target))

    def send(self, call: Call, timeout: float) -> tuple[int, bytes]:
        """Returns the HTTP status and the body.

        Args:
          call: the request.
          timeout: seconds to wait for the reply.

        Raises:
          ServingError: the server did not reply in time.
        """
        import httpx

        method, path = call.method.split(" ", 1)
        try:
            reply = self._client.request(method, path, content=call.payload, timeout=timeout)
        except httpx.HTTPError as error:
            raise http_error(error) from error
        return reply.status_code, reply.content

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def http_options(target: Target) -> dict[str, Any]:
    """Returns the arguments of httpx's clients, blocking or not.

    Raises:
      ConfigError: the certificates cannot be read.
    """
    scheme = "https" if target.is_secure else "http"
    options: dict[str, Any] = {
        "base_url": f"{scheme}://{target.address}",
        "headers": {"Content-Type": "application/json", **target.headers},
        # Model servers are inside the network; the environment's proxies are for the web.
        "trust_env": False,
    }
    if target.ca_file is not None:
        target.certificates()  # gives a better message than ssl does
        try:
            options["verify"] = ssl.create_default_context(cafile=target.ca_file)
        except ssl.SSLError as error:
            raise ConfigError(Problem(target.ca_file, "contains no certificates")) from error
    return options


def http_error(error: httpx.HTTPError) -> ServingError:
    """Returns the ServingError for an error of httpx."""
    import httpx

    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return ServingError("DEADLINE_EXCEEDED", "the server did not reply in time")
    return ServingError("UNAVAILABLE", str(error) or type(error).__name__)
