"""The request to execute one node."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Request:
    """One node of one run.

    Attributes:
      pipeline: the compiled pipeline: path or URI of pipeline.pb, or the pipeline
        itself as a `data:` URI.
      node: the node's id.
      run_id: the run it belongs to; a retry has the same.
      parameters: runtime parameters as text, by name.
      cache: whether the outputs of an earlier execution may be used.
      keep_pipeline: whether the run continues with the pipeline it started with.
      result: the file for the node's result, as JSON.
    """

    pipeline: str
    node: str
    run_id: str
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    cache: bool = True
    keep_pipeline: bool = False
    result: str | None = None
