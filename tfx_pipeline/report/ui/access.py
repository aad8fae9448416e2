"""Who may read the page, and who may change something.

Pages of other sites run in the same browser. They must not read this page (a name of theirs that
points to 127.0.0.1 gives them the same origin, which the Host header shows) and must not send
forms to it (the Origin header, and a token that only our pages contain).
"""

from __future__ import annotations

import dataclasses
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-scripts allow-modals"
)
"""A report has its own script inside, and the digest of it in a policy of its own. The sandbox
keeps it from this page's origin, whoever wrote the file."""


@dataclasses.dataclass(frozen=True)
class Access:
    """The rules of one server.

    Attributes:
      host, port: where it listens.
      allow_actions: whether forms may change something.
      token: what a browser must bring once, in the address; None if it need not.
      form_token: what a form must bring.
    """

    host: str
    port: int
    allow_actions: bool = False
    token: str | None = None
    form_token: str = dataclasses.field(default_factory=secrets.token_urlsafe)

    @property
    def is_local(self) -> bool:
        """Whether it can be reached from this machine only."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def address(self) -> str:
        """The address to open, with the token if one is needed."""
        open_to_all = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - it is compared
        name = open_to_all.get(self.host.strip("[]"), self.host)
        name = f"[{name}]" if ":" in name and not name.startswith("[") else name
        query = f"?token={self.token}" if self.token else ""
        return f"http://{name}:{self.port}/{query}"

    @property
    def cookie(self) -> str:
        """The cookie's name. Cookies are shared by all ports of a host."""
        return f"tfx-pipeline-ui-{self.port}"

    def is_known_host(self, host: str) -> bool:
        """Whether a request's Host header is one of ours. With `--host`, any name is."""
        if not self.is_local:
            return True
        has_port = ":" in host.rpartition("]")[2]
        name, _, port = (host if has_port else f"{host}:80").rpartition(":")
        given = (self.host, f"[{self.host.strip('[]')}]")
        return name in (*LOCAL_NAMES, *given) and port == str(self.port)

    def is_token(self, value: str | None) -> bool:
        """Whether it is the token, or none is needed."""
        return self.token is None or hmac.compare_digest(
            (value or "").encode(), self.token.encode()
        )

    def refusal_of_form(self, headers: Mapping[str, str], form_token: str) -> str | None:
        """Why a form is not accepted; None if it is."""
        if not self.allow_actions:
            return "This page is read-only. Start it with --allow-actions to change something."
        origin = headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("Host"):
            return "The form comes from another site."
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return "The form comes from another site."
        if not hmac.compare_digest(form_token.encode(), self.form_token.encode()):
            return "The form has no valid token. Open the page again, then send it once more."
        return None


def for_server(host: str, port: int, allow_actions: bool) -> Access:
    """The rules for a server; it has a token if others could reach it, or if it can change things.

    Other users of this machine reach 127.0.0.1, too.
    """
    plain = Access(host, port, allow_actions)
    if plain.is_local and not allow_actions:
        return plain
    return dataclasses.replace(plain, token=secrets.token_urlsafe(24))
