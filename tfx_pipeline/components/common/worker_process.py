"""What a process that an executor starts needs to be like the process of a node."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from tfx_pipeline.compat import known_warnings, s3_access


def environment(**variables: str) -> dict[str, str]:
    """The environment variables of such a process; it finds the user's modules as this one does.

    Args:
      variables: those that are different there.
    """
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": path, **variables}


def prepare(artifacts: Iterable[str]) -> None:
    """Prepares this process as `execution.launcher` prepares that of a node.

    Args:
      artifacts: as TFX's JSON; from their URIs follows whether `s3://` is needed.
    """
    # Not above: it imports TFX, which a process that only starts others does not need.
    from tfx_pipeline.compat import local_filesystem

    known_warnings.leave_out()
    local_filesystem.register()
    s3_access.prepare(artifacts)
