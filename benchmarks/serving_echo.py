"""Servers that do nothing but answer, over the transports of the local server.

    python -m benchmarks.serving_echo grpc PORT SIZE [MODEL]

With a model each answer takes one call of its session, with the same values every
time: what is left is a server that neither reads requests nor says anything.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

METHOD = "/benchmark.Echo/Answer"


def serve_grpc(port: int, size: int, call: Callable[[], object]) -> None:
    """Answers every call of METHOD with `size` bytes."""
    import grpc

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        call()
        return bytes(size)

    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    service, name = METHOD.strip("/").split("/")
    handlers = {name: grpc.unary_unary_rpc_method_handler(answer)}
    handler = grpc.method_handlers_generic_handler(service, handlers)
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


def serve_rest(port: int, size: int, call: Callable[[], object]) -> None:
    """Answers every POST with `size` bytes."""
    import tornado.web

    class Answer(tornado.web.RequestHandler):
        def post(self) -> None:
            call()
            self.finish(b" " * size)

    async def main() -> None:
        tornado.web.Application([(".*", Answer)], log_function=lambda _: None).listen(
            port, "127.0.0.1"
        )
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


def session_call(folder: str) -> Callable[[], object]:
    """Calls the model's session with the first row of its warm-up request."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from tfx_pipeline.serving.client import model_signature
    from tfx_pipeline.serving.local_server.servable import Servable
    from tfx_pipeline.serving.protocol import tensors

    servable = Servable(folder)
    logs = [log.predict_log.request for log in servable.warmup_requests()]
    request = next(r for r in logs if r.model_spec.signature_name == model_signature.COLUMNS)
    feeds = {name: tensors.from_proto(proto)[:1] for name, proto in request.inputs.items()}
    return lambda: servable.run(model_signature.COLUMNS, feeds)


if __name__ == "__main__":
    kind, port, size, *model = sys.argv[1:]
    work = session_call(model[0]) if model else lambda: None
    {"grpc": serve_grpc, "rest": serve_rest}[kind](int(port), int(size), work)
