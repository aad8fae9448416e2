"""The client for code that runs in an event loop."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.client import base as asking
from tfx_pipeline.serving.client.aio_transport import AioGrpcChannel, AioRestChannel
from tfx_pipeline.serving.client.model_signature import Signature
from tfx_pipeline.serving.client.predictions import Part, Predictions
from tfx_pipeline.serving.client.protocols import Call, ModelRef
from tfx_pipeline.serving.client.transport import Target

_AT_ONCE = 4


class AsyncClient(asking.Asker):
    """`Client` with `await`; chunks of one call are asked side by side.

    Args: as `Client` has them.
    """

    def _connect(self, target: Target) -> AioRestChannel | AioGrpcChannel:
        return AioRestChannel(target) if target.is_rest else AioGrpcChannel(target)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._channel.close()

    async def signature(self) -> Signature:
        """What the model takes and gives; asked once. Raises as `Client.signature`."""
        return self._signature or self._learn(await self._send(self._metadata_call()))

    async def predict(self, rows: Any) -> Predictions:
        """Predictions for rows; raises as `Client.predict`."""
        wanted, room = await self.signature(), asyncio.Semaphore(_AT_ONCE)
        asked = [self._ask(q, wanted, room) for q in self._questions(rows, wanted)]
        return self._merged(await asyncio.gather(*asked), wanted)

    async def versions(self) -> dict[int, str]:
        """The states of the model's versions; raises as `Client.versions`."""
        reply = await self._send(self._protocol.status(ModelRef(self._model.name)))
        return asking.states(self._protocol.read_status(reply))

    async def _ask(
        self, question: asking.Question, wanted: Signature, room: asyncio.Semaphore
    ) -> Part:
        async with room:
            began = time.perf_counter()
            call = self._protocol.predict(question.model, wanted, question.feeds)
            reply = await self._send(call)
            return self._part(question, wanted, reply, time.perf_counter() - began)

    async def _send(self, call: Call) -> Any:
        attempts = asking.Attempts(self._timeout)
        while True:
            try:
                return asking.checked(await self._channel.send(call, attempts.left))
            except ServingError as error:
                await asyncio.sleep(attempts.pause_after(error))
