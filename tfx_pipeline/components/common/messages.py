"""What a chief, its workers and the hosts of its workers say to each other: lines of JSON."""

from __future__ import annotations

import json
import select
import socket
from typing import IO, Any, Protocol

MOST_BYTES = 16 * 1024 * 1024
"""Of a line. A task has the settings of a pipeline, not its data."""

Message = dict[str, Any]


class Channel(Protocol):
    """Messages to and from another process."""

    def send(self, message: Message) -> None:
        """Sends a message; raises OSError if the other side is gone."""

    def receive(self) -> Message | None:
        """Waits for the next message; None when the other side has closed the channel."""


class Pipes:
    """A channel to a process on this machine.

    Args:
      source, target: text streams, closed by whoever made them.
    """

    def __init__(self, source: IO[str], target: IO[str]):
        self._source, self._target = source, target

    def send(self, message: Message) -> None:
        """Sends a message.

        Raises:
          OSError: the other side has closed the pipe.
        """
        self._target.write(json.dumps(message) + "\n")
        self._target.flush()

    def receive(self) -> Message | None:
        """Waits for the next message; None when the other side has closed the pipe."""
        line = self._source.readline()
        return _parsed(line) if line else None


class Connection:
    """A channel to a process on another machine.

    Args:
      connection: closed by whoever made it.
    """

    def __init__(self, connection: socket.socket):
        self._socket, self._read = connection, b""

    def send(self, message: Message) -> None:
        """Sends a message.

        Raises:
          OSError: the connection is lost.
        """
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> Message | None:
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
        return _parsed(line)

    def has_news(self) -> bool:
        """Whether `receive` has something to read, be it the end of the connection."""
        return b"\n" in self._read or bool(select.select([self._socket], [], [], 0)[0])


def _parsed(line: str | bytes) -> Message:
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")
    return message


def keep_alive(connection: socket.socket) -> None:
    """Notices within a minute that the other machine is gone, also while nothing is sent."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not on every system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
