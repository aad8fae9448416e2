"""Names of the inputs of Transform's graph, for columns of any name."""

from __future__ import annotations

from collections.abc import Callable


def without_slashes(sanitize: Callable[[str], str]) -> Callable[[str], str]:
    """Replaces slashes, which TensorFlow reads as the borders of scopes."""

    def sanitized(name: str) -> str:
        return sanitize(name).replace("/", "_")

    return sanitized
