"""Links a run to the training logs of its trainers: `tensorboard --logdir runs/<run id>`."""

from __future__ import annotations

import contextlib
import os
import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfx_pipeline.metadata.node_record import NodeRecord

_TYPE = "ModelRun"


def link(record: NodeRecord, node: str, folder: pathlib.Path) -> None:
    """Links `folder/<node>` to the logs that the node has written or taken from the cache.

    The link is relative, so that the pipeline's folder can be moved. There is none for logs on
    an object store, or on a file system without links: TensorBoard reads the artifact itself.
    """
    logs = next((pathlib.Path(o.uri) for o in record.outputs if o.type == _TYPE), None)
    if logs is None or not logs.is_dir():
        return
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        (folder / node).unlink(missing_ok=True)
        target = os.path.relpath(logs.resolve(), folder.resolve())
        (folder / node).symlink_to(target, target_is_directory=True)
