"""The base of this project's executors that run Beam pipelines."""

from __future__ import annotations

import contextlib
from typing import Any

from tfx.dsl.components.base import base_beam_executor

from tfx_pipeline.compat.in_process_beam import beam_pipeline


class BeamExecutor(base_beam_executor.BaseBeamExecutor):
    """Builds and runs its pipelines with the patches of `compat`, also those that TFX's code makes.

    Inherit from it first, then from TFX's executor.
    """

    def _make_beam_pipeline(self) -> contextlib.AbstractContextManager[Any]:  # type: ignore[override]
        return beam_pipeline(self._beam_pipeline_args, super()._make_beam_pipeline)
