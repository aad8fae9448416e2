"""A node's artifacts on this machine's disk, where TensorFlow cannot read their file system.

TensorFlow of TFX 1.21 has no S3 (see `compat.s3_access`). There an executor gets local copies
of its inputs and local places for its outputs, which are uploaded when it has ended. ML
Metadata knows the artifacts by their places on S3.
"""

from __future__ import annotations

import copy
import os
import posixpath
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from tfx.dsl.io import fileio
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import executable_spec_pb2, execution_result_pb2

from tfx_pipeline import errors
from tfx_pipeline.compat import s3_access, s3_files
from tfx_pipeline.config import environment
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.storage import s3

Run = Callable[[data_types.ExecutionInfo], execution_result_pb2.ExecutorOutput]
_TRAINER = "tfx_pipeline.components.trainer.executor.Executor"
_OF_THIS_PROCESS = (
    "directrunner",
    "bundlebaseddirectrunner",
    "switchingdirectrunner",
    "fnapirunner",
)


def ensure_possible(executor_spec: Any, root: str) -> None:
    """Checks that all who read and write the artifacts can see local copies.

    Args:
      executor_spec: of the node.
      root: where the artifacts are.

    Raises:
      NodeError: Beam's workers, or those of a training, are elsewhere.
    """
    if s3_access.tensorflow_has_s3() or not s3.is_s3(root):
        return
    if pipeline_ir.class_path(executor_spec) == _TRAINER and os.environ.get(environment.WORKERS):
        raise errors.NodeError(
            f"cannot train with workers on other machines and artifacts on {root}: TensorFlow of "
            "TFX 1.21 has no S3, and local copies are not seen by them. Use a root on gs:// or on "
            "a shared volume, training.strategy none or mirrored, or TFX 1.16."
        )
    if isinstance(executor_spec, executable_spec_pb2.BeamExecutableSpec):
        for argument in executor_spec.beam_pipeline_args:
            name, _, value = str(argument).partition("=")
            if name == "--runner" and value.lower() not in _OF_THIS_PROCESS:
                raise errors.NodeError(
                    f"cannot run on Beam's {value} with artifacts on {root}: TensorFlow of TFX "
                    "1.21 has no S3, and local copies are not seen by distant workers. Use the "
                    "direct runner, a root on gs:// or on a shared volume, or TFX 1.16."
                )


def run(execute: Run, info: data_types.ExecutionInfo) -> execution_result_pb2.ExecutorOutput:
    """Executes on local copies where that is needed, else as it is.

    Args:
      execute: TFX's operator.
      info: the execution, with artifacts on any file system.

    Returns:
      The executor's output, with the artifacts' own places.
    """
    places = [artifact.uri for artifact in _artifacts(info.input_dict, info.output_dict)]
    if s3_access.tensorflow_has_s3() or not any(map(s3.is_s3, places)):
        return execute(info)
    with tempfile.TemporaryDirectory(prefix="artifacts-") as scratch:
        copies = _Copies(scratch)
        for artifact in _artifacts(info.input_dict):
            artifact.uri = copies.download(artifact.uri)
        for artifact in _artifacts(info.output_dict):
            artifact.uri = copies.place(artifact.uri)
        local = copy.copy(info)
        local.execution_output_uri = copies.place(info.execution_output_uri or "")
        local.stateful_working_dir = copies.place(info.stateful_working_dir or "")
        local.tmp_dir = copies.place(info.tmp_dir or "")
        try:
            output = execute(local)
        finally:
            for artifact in _artifacts(info.output_dict):
                copies.upload(artifact.uri)
            for artifact in _artifacts(info.input_dict, info.output_dict):
                artifact.uri = copies.remote(artifact.uri)
        for artifacts in output.output_artifacts.values():
            for artifact in artifacts.artifacts:
                artifact.uri = copies.remote(artifact.uri)
                for value in artifact.custom_properties.values():
                    if value.HasField("string_value"):
                        value.string_value = copies.remote(value.string_value)
        return output


def _artifacts(*channels: Any) -> Iterator[Any]:
    for channel in channels:
        for artifacts in channel.values():
            yield from artifacts


class _Copies:
    """Local places for remote ones, below a folder."""

    def __init__(self, folder: str):
        self._folder = folder
        self._remote: dict[str, str] = {}

    def place(self, uri: str) -> str:
        """A local folder or file name for `uri`; the folder is there if it is one there."""
        if not s3.is_s3(uri):
            return uri
        local = os.path.join(
            self._folder, str(len(self._remote)), posixpath.basename(uri.rstrip("/"))
        )
        self._remote[local] = uri
        os.makedirs(local if fileio.isdir(uri) else os.path.dirname(local), exist_ok=True)
        return local

    def download(self, uri: str) -> str:
        """A local copy of a file or folder."""
        local = self.place(uri)
        if local == uri:
            return uri
        if os.path.isdir(local):
            s3_files.download_folder(uri, local)
        else:
            fileio.copy(uri, local)
        return local

    def upload(self, local: str) -> None:
        """Copies what is at a local place to the remote one."""
        uri = self._remote.get(local)
        if uri is None or not os.path.exists(local):
            return
        if not os.path.isdir(local):
            fileio.copy(local, uri, overwrite=True)
            return
        for folder, _, names in os.walk(local):
            for name in names:
                source = os.path.join(folder, name)
                target = posixpath.join(uri, os.path.relpath(source, local))
                fileio.copy(source, target, overwrite=True)

    def remote(self, text: str) -> str:
        """A text that begins with a local place, with the remote one instead."""
        for local, uri in self._remote.items():
            if text == local or text.startswith(f"{local}/"):
                return uri + text[len(local) :]
        return text
