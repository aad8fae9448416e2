"""Beam's uploads to S3."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def finishing_with_a_part(finish: Callable[[Any], None]) -> Callable[[Any], None]:
    """Gives an empty file one empty part."""

    @functools.wraps(finish)
    def finish_with_a_part(self: Any) -> None:
        if not self.parts and not self.buffer:
            self._write_to_s3(b"")
        finish(self)

    return finish_with_a_part
