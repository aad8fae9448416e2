"""The channels of `transport` for an event loop."""

from __future__ import annotations

from typing import Any

from tfx_pipeline.serving.client import transport
from tfx_pipeline.serving.client.protocols import Call
from tfx_pipeline.serving.client.transport import Target


class AioGrpcChannel:
    """Sends requests over gRPC, as `transport.GrpcChannel`."""

    def __init__(self, target: Target):
        import grpc.aio

        self._metadata = transport.grpc_metadata(target)
        options = transport.GRPC_OPTIONS
        if target.is_secure:
            credentials = grpc.ssl_channel_credentials(target.certificates())
            self._channel = grpc.aio.secure_channel(target.address, credentials, options)
        else:
            self._channel = grpc.aio.insecure_channel(target.address, options)

    async def send(self, call: Call, timeout: float) -> Any:
        """Returns the reply; raises ServingError as `GrpcChannel.send`."""
        import grpc

        method = transport.unary(self._channel, call.method)
        try:
            return await method(call.payload, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise transport.grpc_error(error) from error

    async def close(self) -> None:
        """Closes the connection."""
        await self._channel.close()


class AioRestChannel:
    """Sends requests over HTTP, as `transport.RestChannel`."""

    def __init__(self, target: Target):
        import httpx

        self._client = httpx.AsyncClient(**transport.http_options(target))

    async def send(self, call: Call, timeout: float) -> tuple[int, bytes]:
        """Returns status and body; raises ServingError as `RestChannel.send`."""
        import httpx

        method, path = call.method.split(" ", 1)
        try:
            reply = await self._client.request(method, path, content=call.payload, timeout=timeout)
        except httpx.HTTPError as error:
            raise transport.http_error(error) from error
        return reply.status_code, reply.content

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
