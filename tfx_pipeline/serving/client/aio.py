"""The client for code that runs in an event loop."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.client.aio_transport import AioGrpcChannel, AioRestChannel
from tfx_pipeline.serving.client.base import (
    BaseClient,
    Chunk,
    Retries,
    raise_if_unavailable,
    version_states,
)
from tfx_pipeline.serving.client.model_signature import Signature
from tfx_pipeline.serving.client.predictions import ChunkPredictions, Predictions
from tfx_pipeline.serving.client.protocols import Call, ModelRef
from tfx_pipeline.serving.client.transport import Target

_MAX_CONCURRENT_REQUESTS = 4


class AsyncClient(BaseClient):
    """`Client` with `await`; the chunks of one call are sent concurrently.

    Takes the arguments of `Client`.
    """

    def _connect(self, target: Target) -> AioRestChannel | AioGrpcChannel:
        return AioRestChannel(target) if target.is_rest else AioGrpcChannel(target)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection."""
        await self._channel.close()

    async def signature(self) -> Signature:
        """Returns the model's signature; raises as `Client.signature`."""
        if self._signature is None:
            self._signature = self._read_signature(await self._send(self._metadata_call()))
        return self._signature

    async def predict(self, rows: Any) -> Predictions:
        """Returns predictions for rows; takes and raises as `Client.predict`."""
        signature = await self.signature()
        semaphore = asyncio.Semaphore(_MAX_CONCURRENT_REQUESTS)

        async def predict_chunk(chunk: Chunk) -> ChunkPredictions:
            async with semaphore:
                start = time.perf_counter()
                reply = await self._send(self._predict_call(chunk, signature))
                seconds = time.perf_counter() - start
                return self._read_chunk(chunk, signature, reply, seconds)

        chunks = self._chunks(rows, signature)
        parts = await asyncio.gather(*[predict_chunk(chunk) for chunk in chunks])
        return self._merge(parts, signature)

    async def versions(self) -> dict[int, str]:
        """Returns the states of the model's versions; raises as `Client.versions`."""
        reply = await self._send(self._protocol.status(ModelRef(self._model.name)))
        return version_states(self._protocol.read_status(reply))

    async def _send(self, call: Call) -> Any:
        retries = Retries(self._timeout)
        while True:
            try:
                return raise_if_unavailable(await self._channel.send(call, retries.seconds_left))
            except ServingError as error:
                await asyncio.sleep(retries.pause_after(error))
