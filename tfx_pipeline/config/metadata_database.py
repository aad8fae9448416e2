"""Where ML Metadata's database is: `sqlite`, or a MySQL server that a URI names."""

from __future__ import annotations

import dataclasses
import re
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode

import pydantic
from pydantic_core import PydanticKnownError

from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.errors import did_you_mean

SQLITE: Literal["sqlite"] = "sqlite"
"""A file below `root`."""

FORM = "mysql://USER@HOST[:PORT]/DATABASE"
_PARAMETERS = ("ssl", "ssl_ca", "ssl_cert", "ssl_key")
_BOOLEANS = {"true": True, "false": False}
_VERIFY = "ssl_verify_server_cert"
_PORT = 3306
_ADDRESS = re.compile(
    r"([^@/\s]+)@(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::([^/]*))?/(\w+)",
    re.ASCII,
)


@dataclasses.dataclass(frozen=True)
class Tls:
    """How the connection is encrypted.

    Attributes:
      ca: the file of the authorities that may have signed the server's certificate.
      cert, key: the files of this client's certificate and its private key.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None


@dataclasses.dataclass(frozen=True)
class MySqlServer:
    """A database on a MySQL server. Its text is the URI; it holds no password.

    Attributes:
      tls: None if the connection is not encrypted.
    """

    user: str
    host: str
    database: str
    port: int = _PORT
    tls: Tls | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORT else f":{self.port}"
        uri = f"mysql://{quote(self.user, safe='')}@{host}{port}/{self.database}"
        if self.tls is None:
            return uri
        files = {f"ssl_{name}": path for name, path in vars(self.tls).items() if path}
        return f"{uri}?{urlencode(files or {'ssl': 'true'}, safe='/')}"


def parse(value: Any) -> MySqlServer | Literal["sqlite"]:
    """The database that a configuration's `metadata` names.

    Raises:
      ValueError: it is neither `sqlite` nor a right URI. The message contains no password.
    """
    if isinstance(value, MySqlServer):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if value == SQLITE:
        return SQLITE
    if value.startswith("postgres"):
        raise ValueError("PostgreSQL is not supported: ML Metadata fails there on backslashes")
    if re.match(r"[^/?]*://[^@:/?]*:.*@", value):
        raise ValueError(f"contains a password; remove it and set {METADATA_PASSWORD}")
    scheme, _, rest = value.partition("://")
    address, _, query = rest.partition("?")
    found = _ADDRESS.fullmatch(address)
    if scheme != "mysql" or found is None:
        raise ValueError(f"must be 'sqlite' or '{FORM}', found {_without_secrets(value)!r}")
    user, host, port, database = found.groups()
    return MySqlServer(
        user=unquote(user),
        host=host.strip("[]"),
        database=database,
        port=_PORT if port is None else _port(port),
        tls=_tls(query),
    )


def _without_secrets(value: str) -> str:
    """The URI without what may be a password: what is before `@`, and values of parameters."""
    address, _, query = re.sub(r":(?!//).*@", ":***@", value).partition("?")
    return f"{address}?{re.sub('=[^&]*', '=***', query)}" if query else address


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise ValueError(f"the port must be a number from 1 to 65535, found {text!r}")
    return int(text)


def _tls(query: str) -> Tls | None:
    """The parameters of the URI.

    Raises:
      ValueError: one is unknown or has a value that is not valid.
    """
    given: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in (*_PARAMETERS, _VERIFY):
            hint = did_you_mean(name, _PARAMETERS)
            raise ValueError(f"has the unknown parameter {name!r}. {hint}")
        if name in given:
            raise ValueError(f"has the parameter {name} twice")
        given[name] = value
    if query and not given:
        raise ValueError(f"has parameters that are not NAME=VALUE. Known: {', '.join(_PARAMETERS)}")
    if _boolean(given, _VERIFY):
        raise ValueError(
            "ssl_verify_server_cert=true is not supported: ML Metadata's MySQL client then "
            "refuses every server, also one with the right certificate. Leave it out; for a "
            "network that is not trusted, use a TLS tunnel to the server"
        )
    files = {name: given[f"ssl_{name}"] for name in ("ca", "cert", "key") if f"ssl_{name}" in given}
    for name, path in files.items():
        if not path.startswith("/"):
            raise ValueError(f"ssl_{name} must be an absolute path, found {path!r}")
    if ("cert" in files) != ("key" in files):
        raise ValueError("must have both ssl_cert and ssl_key, or neither of them")
    if _boolean(given, "ssl") is False:
        if files:
            raise ValueError(f"has ssl=false and ssl_{next(iter(files))}. Remove one of them")
        return None
    return Tls(**files) if given else None


def _boolean(given: dict[str, str], name: str) -> bool | None:
    text = given.get(name)
    if text is not None and text not in _BOOLEANS:
        raise ValueError(f"{name} must be true or false, found {text!r}")
    return None if text is None else _BOOLEANS[text]


MetadataDatabase = Annotated[
    MySqlServer | Literal["sqlite"],
    pydantic.PlainValidator(parse),
    pydantic.PlainSerializer(str, return_type=str),
    pydantic.WithJsonSchema({"type": "string"}),
]
"""A key of the configuration: read and written as text."""
