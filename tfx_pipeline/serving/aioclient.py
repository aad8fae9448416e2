"""The client for code that runs in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving import asking, predictions, signature
from tfx_pipeline.serving.aiochannels import AioGrpcChannel, AioRestChannel
from tfx_pipeline.serving.channels import Target
from tfx_pipeline.serving.client import CHUNK_ROWS, TIMEOUT_SECONDS
from tfx_pipeline.serving.protocols import Call, ModelRef
from tfx_pipeline.serving.routing import Split
from tfx_pipeline.serving.signature import Signature

_AT_ONCE = 4


class AsyncClient:
    """`Client` with `await`; chunks of one call are asked side by side.

    Args: as `Client` has them.
    """

    def __init__(
        self,
        target: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        *,
        split: Split | None = None,
        signature: str = signature.COLUMNS,
        timeout: float = TIMEOUT_SECONDS,
        chunk_rows: int = CHUNK_ROWS,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
    ):
        where = Target(target, headers or {}, ca_file)
        self._model = ModelRef(model, version, label)
        asking.ensure_one_choice(self._model, split)
        self._split, self._timeout, self._chunk_rows = split, timeout, chunk_rows
        self._signature_name = signature
        self._signature: Signature | None = None
        self._protocol = where.protocol
        self._channel = AioRestChannel(where) if where.is_rest else AioGrpcChannel(where)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._channel.close()

    async def signature(self) -> Signature:
        """What the model takes and gives; asked once. Raises as `Client.signature`."""
        if self._signature is None:
            label = self._split.stable if self._split else self._model.label
            model = ModelRef(self._model.name, self._model.version, label)
            reply = await self._send(self._protocol.metadata(model))
            definitions = self._protocol.read_metadata(reply)
            self._signature = signature.choose(definitions, self._signature_name, model.name)
        return self._signature

    async def predict(self, rows: Any) -> predictions.Predictions:
        """Predictions for rows; raises as `Client.predict`."""
        wanted = await self.signature()
        room = asyncio.Semaphore(_AT_ONCE)
        asked = [*asking.questions(rows, wanted, self._model, self._split, self._chunk_rows)]
        parts = await asyncio.gather(*(self._ask(question, wanted, room) for question in asked))
        count = sum(len(part.numbers) for part in parts)
        return predictions.merge(parts, count, [*wanted.outputs])

    async def _ask(
        self, question: asking.Question, wanted: Signature, room: asyncio.Semaphore
    ) -> predictions.Part:
        async with room:
            model, began = question.model, time.perf_counter()
            reply = await self._send(self._protocol.predict(model, wanted, question.feeds))
            seconds = time.perf_counter() - began
        outputs, version = self._protocol.read_predictions(model, wanted, reply)
        return predictions.Part(question.numbers, outputs, version, model.label or "", seconds)

    async def _send(self, call: Call) -> Any:
        attempts = asking.Attempts(self._timeout)
        while True:
            try:
                return asking.checked(await self._channel.send(call, attempts.left))
            except ServingError as error:
                await asyncio.sleep(attempts.pause_after(error))
