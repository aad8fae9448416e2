"""The format of the local server's log."""

from __future__ import annotations

import logging


class OneLineFormatter(logging.Formatter):
    """Writes each message on one line, so that no name or path can look like another message.

    Clients choose names and paths. The lines of a traceback are indented.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Returns the message with control characters escaped, for example `\\n`."""
        return "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode()
            for character in super().formatMessage(record)
        )

    def formatException(self, ei: logging._SysExcInfoType) -> str:
        """Returns a traceback with indented lines."""
        return "\n".join(f"    {line}" for line in super().formatException(ei).splitlines())
