"""Is a port to be had? Asked before anything slow begins."""

from __future__ import annotations

import socket

from tfx_pipeline.errors import ConfigError, Problem


def ensure_free(option: str, host: str, port: int) -> None:
    """Raises:
    ConfigError: somebody listens there, or the host is not this one.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=1)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise in_use(option, port, error) from error


def in_use(option: str, port: int, error: OSError) -> ConfigError:
    """Says which option, and what to do."""
    message = f"port {port} cannot be had ({error.strerror or error})"
    return ConfigError(Problem(option, message, "Choose another one, or stop what listens there."))
