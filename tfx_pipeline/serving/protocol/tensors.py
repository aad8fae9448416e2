"""TensorProto to and from NumPy, without TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import invalid

STRING = 7

_GREATEST = 2**28
"""More elements than this are no request but a mistake: one value may stand for all."""

_KINDS: dict[int, tuple[str, type, str]] = {
    1: ("float", np.float32, "float_val"),
    2: ("double", np.float64, "double_val"),
    3: ("int32", np.int32, "int_val"),
    4: ("uint8", np.uint8, "int_val"),
    5: ("int16", np.int16, "int_val"),
    6: ("int8", np.int8, "int_val"),
    STRING: ("string", np.object_, "string_val"),
    9: ("int64", np.int64, "int64_val"),
    10: ("bool", np.bool_, "bool_val"),
    22: ("uint32", np.uint32, "uint32_val"),
    23: ("uint64", np.uint64, "uint64_val"),
}
_NUMBERS = {np.dtype(kind): number for number, (_, kind, _) in _KINDS.items()}

_PACKED = {1: b"\x2a", 2: b"\x32"}
"""The tags of float_val and double_val, whose packed form is the array's own bytes."""


def type_name(dtype: int) -> str:
    """TensorFlow's name of a DataType: `float`, `string`, `int64`."""
    return _KINDS[dtype][0] if dtype in _KINDS else enum_name(dtype)


def enum_name(dtype: int) -> str:
    """The name of a DataType in its enum: `DT_FLOAT`."""
    value = protos.enum("tensorflow.DataType").values_by_number.get(dtype)
    return value.name if value else f"type {dtype}"


def numpy_type(dtype: int) -> Any:
    """The NumPy type of a DataType; strings are objects.

    Raises:
      ServingError: a type that is not supported.
    """
    if dtype not in _KINDS:
        raise invalid(f"tensors of type {enum_name(dtype)} are not supported")
    return _KINDS[dtype][1]


def to_proto(array: np.ndarray, proto: Any = None) -> Any:
    """Fills a TensorProto, value by value as TensorFlow Serving does.

    Args:
      array: of any shape; strings as bytes in an array of objects.
      proto: the message to fill; absent, a new one.
    """
    proto = protos.message("tensorflow.TensorProto")() if proto is None else proto
    dtype = _NUMBERS[array.dtype]
    values = np.ascontiguousarray(array)
    if dtype in _PACKED and values.size:
        proto.MergeFromString(_PACKED[dtype] + _varint(values.nbytes) + values.tobytes())
    else:
        getattr(proto, _KINDS[dtype][2]).extend(values.ravel().tolist())
    proto.dtype = dtype
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def from_proto(proto: Any) -> np.ndarray:
    """The array that a TensorProto holds.

    Raises:
      ServingError: its type is not supported, or its values do not fit its shape.
    """
    kind, dims = numpy_type(proto.dtype), proto.tensor_shape.dim
    # A list first: NumPy is slow at reading protobuf's containers.
    listed = getattr(proto, _KINDS[proto.dtype][2])[:]
    if listed and len(dims) == 1 and dims[0].size == len(listed):
        return np.array(listed, kind)  # a column, as most inputs are
    shape = tuple(dim.size for dim in dims)
    count = math.prod(shape)
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0 or count > _GREATEST:
        raise invalid(f"Invalid tensor shape {list(shape)}")
    if proto.tensor_content and proto.dtype != STRING:
        return _from_content(proto.tensor_content, kind, shape, count)
    return _fill(np.array(listed, kind), shape, count)


def _from_content(content: bytes, kind: Any, shape: tuple[int, ...], count: int) -> np.ndarray:
    if len(content) != count * np.dtype(kind).itemsize:
        raise invalid(f"{len(content)} bytes of tensor_content do not fit shape {list(shape)}")
    return np.frombuffer(content, kind).reshape(shape)


def _fill(values: np.ndarray, shape: tuple[int, ...], count: int) -> np.ndarray:
    """TensorFlow's rule: the last value stands for those that are left out."""
    if len(values) > count or (count and not len(values)):
        raise invalid(f"{len(values)} values do not fit shape {list(shape)}")
    if len(values) < count:
        values = np.concatenate([values, np.repeat(values[-1:], count - len(values))])
    return values.reshape(shape)


def _varint(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])
