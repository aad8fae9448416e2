"""What the chief and the hosts of its workers say to each other: a line of JSON at a time."""

from __future__ import annotations

import json
import select
import socket
from typing import Any

MOST_BYTES = 16 * 1024 * 1024
"""Of a line. A task has the settings of a pipeline, not its data."""


class Line:
    """The JSON lines of a connection.

    Args:
      connection: closed by whoever made it.
    """

    def __init__(self, connection: socket.socket):
        self._socket, self._read = connection, b""

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message.

        Raises:
          OSError: the connection is lost.
        """
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> dict[str, Any] | None:
        """Waits for the next message; None when the other side has closed the connection.

        Raises:
          OSError: the connection is lost, or the socket's time-out has passed.
          ValueError: what came is no message.
        """
        while b"\n" not in self._read:
            received = self._socket.recv(65536)
            if not received:
                return None
            self._read += received
            if len(self._read) > MOST_BYTES:
                raise ValueError(f"a message has more than {MOST_BYTES:,} bytes")
        line, _, self._read = self._read.partition(b"\n")
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("a message must be a JSON object")
        return message

    def has_news(self) -> bool:
        """Whether `receive` has something to read, be it the end of the connection."""
        return b"\n" in self._read or bool(select.select([self._socket], [], [], 0)[0])


def keep_alive(connection: socket.socket) -> None:
    """Notices within a minute that the other machine is gone, also while nothing is sent."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not on every system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
