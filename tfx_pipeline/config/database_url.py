"""`data.url`: the database that holds the rows, as SQLAlchemy writes it, without a password."""

from __future__ import annotations

import os
import pathlib
import re
from urllib.parse import parse_qsl

from tfx_pipeline.config.environment import DATA_PASSWORD

FORM = "DIALECT://USER@HOST[:PORT]/DATABASE, or sqlite:///FILE"
EMBEDDED = ("sqlite", "duckdb")
"""Databases that are a file."""

DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
"""The driver that a dialect has if the URL names none."""

_SECRETS = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)
_HARMLESS = ("sslkey", "ssl_key", "sslrootcert", "ssl_ca")


def check(url: str) -> str:
    """The URL, if it has the right form and holds no secret.

    Raises:
      ValueError: it does not. The message contains no secret.
    """
    scheme, found, rest = url.partition("://")
    if not found or not re.fullmatch(r"[a-z][a-z0-9_]*(\+[a-z0-9_]+)?", scheme):
        raise ValueError(f"must be {FORM}")
    place, _, query = rest.partition("?")
    authority = place.rpartition("@")[0] if "@" in place else ""
    if ":" in authority:
        raise ValueError(f"contains a password; remove it and set {DATA_PASSWORD}")
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if _SECRETS.search(name) and name not in _HARMLESS:
            raise ValueError(f"has the parameter {name!r}; remove it and set {DATA_PASSWORD}")
    if is_embedded(url) and not place.removeprefix("/"):
        raise ValueError(f"names no file: {dialect(url)}:///FILE")
    return url


def dialect(url: str) -> str:
    """The kind of database, for example `postgresql`."""
    return url.partition("://")[0].partition("+")[0]


def is_embedded(url: str) -> bool:
    """Whether the database is a file."""
    return dialect(url) in EMBEDDED


def file_of(url: str) -> str:
    """The path of an embedded database's file."""
    return url.partition("://")[2].partition("?")[0].removeprefix("/")


def with_file(url: str, path: str) -> str:
    """The URL of an embedded database with another file."""
    scheme, _, rest = url.partition("://")
    _, mark, query = rest.partition("?")
    return f"{scheme}:///{path}{mark}{query}"


def absolute(url: str, folder: pathlib.Path) -> str:
    """The URL with the file of an embedded database relative to `folder`."""
    if not is_embedded(url):
        return url
    return with_file(url, os.path.normpath(folder / os.path.expanduser(file_of(url))))
