"""Names of the inputs of Transform's graph, for columns of any name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


def unique(sanitize: Callable[[str], str]) -> Callable[[str], str]:
    """Replaces slashes as well, which TensorFlow reads as the borders of scopes.

    A name that is not kept gets a few digits of its hash: else `a b` and `a/b` would become
    one name, which newer versions of TensorFlow refuse when they load the graph.
    """

    def sanitized(name: str) -> str:
        found = sanitize(name).replace("/", "_")
        return (
            found if found == name else f"{found}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        )

    return sanitized
