"""TensorProto to and from NumPy, without TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import invalid

Array = npt.NDArray[Any]

STRING = 7

_MAX_ELEMENTS = 2**28
"""A few bytes can name a huge shape, because one value may stand for all others."""

_KINDS: dict[int, tuple[str, type[np.generic], str]] = {
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
"""By number of the DataType: TensorFlow's name, NumPy's type, the field that holds values."""

_DATA_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(kind): number for number, (_, kind, _) in _KINDS.items()
}

_PACKED_TAGS = {1: b"\x2a", 2: b"\x32"}
"""The tags of float_val and double_val, whose packed form is the array's own bytes."""


def type_name(dtype: int) -> str:
    """Returns TensorFlow's name of a DataType: `float`, `string`, `int64`."""
    return _KINDS[dtype][0] if dtype in _KINDS else enum_name(dtype)


def enum_name(dtype: int) -> str:
    """Returns the name of a DataType in its enum, for example `DT_FLOAT`."""
    value = protos.enum("tensorflow.DataType").values_by_number.get(dtype)
    return value.name if value else f"type {dtype}"


def numpy_type(dtype: int) -> type[np.generic]:
    """Returns the NumPy type of a DataType; strings are objects.

    Raises:
      ServingError: the type is not supported.
    """
    if dtype not in _KINDS:
        raise invalid(f"tensors of type {enum_name(dtype)} are not supported")
    return _KINDS[dtype][1]


def to_proto(array: Array, proto: Any = None) -> Any:
    """Fills a TensorProto, value by value as TensorFlow Serving does.

    Args:
      array: an array of any shape; strings are bytes in an array of objects.
      proto: the message to fill; if None, a new one.

    Returns:
      The message.
    """
    proto = protos.message("tensorflow.TensorProto")() if proto is None else proto
    dtype = _DATA_TYPES[array.dtype]
    values = np.ascontiguousarray(array)
    if dtype in _PACKED_TAGS and values.size:
        proto.MergeFromString(_PACKED_TAGS[dtype] + _varint(values.nbytes) + values.tobytes())
    else:
        getattr(proto, _KINDS[dtype][2]).extend(values.ravel().tolist())
    proto.dtype = dtype
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def _varint(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])


def from_proto(proto: Any) -> Array:
    """Returns the array in a TensorProto.

    Raises:
      ServingError: its type is not supported, or its values do not fit its shape.
    """
    kind, dims = numpy_type(proto.dtype), proto.tensor_shape.dim
    # A list first: NumPy reads protobuf's containers slowly.
    listed = getattr(proto, _KINDS[proto.dtype][2])[:]
    if listed and len(dims) == 1 and dims[0].size == len(listed):
        return np.array(listed, kind)  # a column, as most inputs are
    shape = tuple(dim.size for dim in dims)
    count = math.prod(shape)
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0 or count > _MAX_ELEMENTS:
        raise invalid(f"Invalid tensor shape {list(shape)}")
    if proto.tensor_content and proto.dtype != STRING:
        content = proto.tensor_content
        if len(content) != count * np.dtype(kind).itemsize:
            raise invalid(f"{len(content)} bytes of tensor_content do not fit shape {list(shape)}")
        return np.frombuffer(content, kind).reshape(shape)
    values: Array = np.array(listed, kind)
    if len(values) > count or (count and not len(values)):
        raise invalid(f"{len(values)} values do not fit shape {list(shape)}")
    if len(values) < count:
        # TensorFlow's rule: the last value is used for all that are left out.
        values = np.concatenate([values, np.repeat(values[-1:], count - len(values))])
    return values.reshape(shape)


def to_lists(array: Array) -> list[Any]:
    """Returns nested lists of Python values; a float32 keeps its own, shorter digits.

    The float32 nearest to 0.1 becomes 0.1, not 0.10000000149011612.
    """
    if array.dtype == np.float32:
        doubles = [float(str(value)) for value in array.ravel()]
        array = np.array(doubles, np.float64).reshape(array.shape)
    lists: list[Any] = array.tolist()
    return lists
