"""What a run's id may be, and new ones."""

from __future__ import annotations

import datetime
import re
import secrets

PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+@-]{0,127}")


def new() -> str:
    """The time, so that ids sort by it, and digits for runs that start in the same second."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return f"{now:%Y%m%d-%H%M%S}-{secrets.randbelow(10**4):04d}"
