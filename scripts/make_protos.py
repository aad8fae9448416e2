"""Writes tfx_pipeline/serving/protocol/protos.binpb: TensorFlow Serving's messages and services.

    .venv/bin/python scripts/make_protos.py

The modules of tensorflow-serving-api import TensorFlow; a client should not need
it. This file set holds the same descriptors, for clients and for `grpcurl -protoset`.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor

PROJECT = pathlib.Path(__file__).parents[1]
TARGET = PROJECT / "tfx_pipeline" / "serving" / "protocol" / "protos.binpb"


def main() -> None:
    TARGET.write_bytes(file_set().SerializeToString(deterministic=True))


def file_set() -> descriptor_pb2.FileDescriptorSet:
    """The installed tensorflow-serving-api's files, each after those it imports."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        model_service_pb2,
        prediction_log_pb2,
        prediction_service_pb2,
    )
    from tensorflow_serving.config import model_server_config_pb2

    found: dict[str, FileDescriptor] = {}
    for module in (
        prediction_service_pb2,
        model_service_pb2,
        get_model_metadata_pb2,
        prediction_log_pb2,
        model_server_config_pb2,
    ):
        _collect(module.DESCRIPTOR, found)
    return _as_set([*found.values()])


def _collect(file: FileDescriptor, found: dict[str, FileDescriptor]) -> None:
    if file.name not in found:
        for dependency in file.dependencies:
            _collect(dependency, found)
        found[file.name] = file


def _as_set(files: Iterable[FileDescriptor]) -> descriptor_pb2.FileDescriptorSet:
    result = descriptor_pb2.FileDescriptorSet()
    for file in files:
        file.CopyToProto(result.file.add())
    result.file.append(_monitoring_config())
    return result


def _monitoring_config() -> descriptor_pb2.FileDescriptorProto:
    """What `--monitoring_config_file` holds; tensorflow-serving-api leaves it out."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="tensorflow_serving/config/monitoring_config.proto",
        package="tensorflow.serving",
        syntax="proto3",
    )
    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, type=field.TYPE_BOOL, label=1)
    prometheus.field.add(name="path", number=2, type=field.TYPE_STRING, label=1)
    monitoring = file.message_type.add(name="MonitoringConfig")
    kind = ".tensorflow.serving.PrometheusConfig"
    monitoring.field.add(
        name="prometheus_config", number=1, type=field.TYPE_MESSAGE, type_name=kind, label=1
    )
    return file


if __name__ == "__main__":
    main()
