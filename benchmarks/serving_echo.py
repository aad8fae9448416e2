"""Servers that do nothing but answer, over the transports of the local server.

python -m benchmarks.serving_echo grpc PORT SIZE
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

METHOD = "/benchmark.Echo/Answer"


def serve_grpc(port: int, size: int) -> None:
    """Answers every call of METHOD with `size` bytes."""
    import grpc

    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    answer = grpc.unary_unary_rpc_method_handler(lambda request, context: bytes(size))
    service, name = METHOD.strip("/").split("/")
    handler = grpc.method_handlers_generic_handler(service, {name: answer})
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


def serve_rest(port: int, size: int) -> None:
    """Answers every POST with `size` bytes."""
    import tornado.web

    class Answer(tornado.web.RequestHandler):
        def post(self) -> None:
            self.finish(b" " * size)

    async def main() -> None:
        tornado.web.Application([(".*", Answer)], log_function=lambda _: None).listen(
            port, "127.0.0.1"
        )
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


if __name__ == "__main__":
    kind, *numbers = sys.argv[1:]
    {"grpc": serve_grpc, "rest": serve_rest}[kind](*map(int, numbers))
