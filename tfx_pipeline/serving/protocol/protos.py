"""TensorFlow Serving's messages and services, without TensorFlow.

The modules of tensorflow-serving-api import TensorFlow, which takes seconds and a
gigabyte of memory that a client does not need. Here the same descriptors are read
from `protos.binpb` into a descriptor pool of their own, so that both can be loaded
in one process. `scripts/make_protos.py` writes that file.
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
    """Returns the class of a message.

    Args:
      name: `Name` of the package tensorflow.serving, or a full name such as
        `tensorflow.TensorProto`.
    """
    full_name = name if "." in name else f"tensorflow.serving.{name}"
    return _message_class(_pool().FindMessageTypeByName(full_name))


@functools.cache
def methods(service: str) -> dict[str, tuple[Any, Any]]:
    """Returns the classes of request and response of each method of a service, by name."""
    return {
        method.name: (_message_class(method.input_type), _message_class(method.output_type))
        for method in _pool().FindServiceByName(service).methods
    }


def enum(name: str) -> Any:
    """Returns the descriptor of an enum, for example `tensorflow.DataType`."""
    return _pool().FindEnumTypeByName(name)


def _message_class(descriptor: Any) -> Any:
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return _factory().GetPrototype(descriptor)  # protobuf before 4.22


@functools.cache
def _factory() -> Any:
    return message_factory.MessageFactory(_pool())
