"""TensorFlow Serving's messages and services, without TensorFlow.

The modules of tensorflow-serving-api import TensorFlow, which takes seconds and a
gigabyte that a client has no use for. Here the same descriptors are read from
`protos.binpb` into a pool of their own, so both may be loaded in one process.
`scripts/make_protos.py` writes that file.
"""

from __future__ import annotations

import functools
import pathlib
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FILE = pathlib.Path(__file__).with_name("protos.binpb")

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(FILE.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


@functools.cache
def message(name: str) -> Any:
    """The class of a message, `Name` of tensorflow.serving or `tensorflow.Name`."""
    full = name if "." in name else f"tensorflow.serving.{name}"
    return _class_of(_pool().FindMessageTypeByName(full))


@functools.cache
def methods(service: str) -> dict[str, tuple[Any, Any]]:
    """The classes of request and response by method name."""
    found = _pool().FindServiceByName(service).methods
    return {m.name: (_class_of(m.input_type), _class_of(m.output_type)) for m in found}


def enum(name: str) -> Any:
    """The descriptor of an enum: `tensorflow.DataType`."""
    return _pool().FindEnumTypeByName(name)


def _class_of(descriptor: Any) -> Any:
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return _factory().GetPrototype(descriptor)  # protobuf before 4.22


@functools.cache
def _factory() -> Any:
    return message_factory.MessageFactory(_pool())
