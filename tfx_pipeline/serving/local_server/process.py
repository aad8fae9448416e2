"""The local server in a process of its own, for tests and notebooks.

with LocalServer("--model-name", "shop", "--model-base-path", "pushed") as server:
    Client(server.grpc, "shop").predict(rows)
"""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

from tfx_pipeline.errors import ServingError

_POLL_SECONDS = 0.05
_READY = " ready: "


class LocalServer:
    """Runs `tfx-pipeline serve --local` on free ports.

    Args:
      arguments: further options of that command.
      folder: its working directory.
      seconds: the maximum time until it is ready.

    Attributes:
      process: the process, once it was started.
    """

    process: subprocess.Popen[bytes]

    def __init__(self, *arguments: str, folder: str | os.PathLike[str] = ".", seconds: float = 120):
        self._arguments = arguments
        self._folder = folder
        self._seconds = seconds
        self._ports = free_ports(2)
        self._log_folder = tempfile.TemporaryDirectory(prefix="local-server-")
        self._log = pathlib.Path(self._log_folder.name) / "log"

    @property
    def grpc(self) -> str:
        """The target for gRPC, `127.0.0.1:PORT`."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def rest(self) -> str:
        """The target for REST, `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._ports[1]}"

    @property
    def command(self) -> list[str]:
        """The command that runs the server."""
        port, rest_port = map(str, self._ports)
        options = ["--local", "--port", port, "--rest-api-port", rest_port]
        return [sys.executable, "-m", "tfx_pipeline", "serve", *options, *self._arguments]

    def log(self) -> str:
        """Returns what it has logged so far."""
        return self._log.read_text()

    def __enter__(self) -> LocalServer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the process and waits until it is ready.

        Raises:
          ServingError: it ended instead, or is not ready in time.
        """
        count = self.log().count(_READY) if self._log.exists() else 0
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + self._seconds
        while self.log().count(_READY) == count:
            if self.process.poll() is not None:
                raise ServingError("UNAVAILABLE", f"the local server ended:\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServingError("UNAVAILABLE", f"the local server is not ready:\n{self.log()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> int:
        """Lets it finish its requests and end; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait()

    def kill(self) -> None:
        """Kills it, like a crash."""
        self.process.kill()
        self.process.wait()


def free_ports(count: int) -> list[int]:
    """Returns so many ports of this machine that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
