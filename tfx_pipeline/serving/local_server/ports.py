"""Checks of ports, made before anything slow begins."""

from __future__ import annotations

import ipaddress
import socket

from tfx_pipeline.errors import ConfigError, Problem


def ensure_free(option: str, host: str, port: int) -> None:
    """Checks that a server can listen on a port.

    Args:
      option: the command's option for this port, for the error message.
      host: a name or address of this machine.
      port: the port.

    Raises:
      ConfigError: another process listens there, or the host is not this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=1)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise port_error(option, port, error) from error


def address(host: str, port: int) -> str:
    """Returns `HOST:PORT`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on a name or address."""
    found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM)
    addresses = {str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found}
    return all(ipaddress.ip_address(one).is_loopback for one in addresses)


def port_error(option: str, port: int, error: OSError) -> ConfigError:
    """Returns the error for a port that cannot be used."""
    message = f"port {port} cannot be used ({error.strerror or error})"
    remedy = "Choose another port, or stop the process that listens on it."
    return ConfigError(Problem(option, message, remedy))
