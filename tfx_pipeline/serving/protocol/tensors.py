"""TensorProto to and from NumPy, without TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.status_codes import invalid

Array = npt.NDArray[Any]

STRING = 7

_MAX_REPEATED_BYTES = 64 * 2**20
"""A few bytes can name a huge shape, because one value may stand for all others."""

_STRING_BYTES = 64
"""About how much memory a short string takes in NumPy and in TensorFlow together."""

_KINDS: dict[int, tuple[str, Any, str]] = {
    1: ("float", np.float32, "float_val"),
    2: ("double", np.float64, "double_val"),
    3: ("int32", np.int32, "int_val"),
    4: ("uint8", np.uint8, "int_val"),
    5: ("int16", np.int16, "int_val"),
    6: ("int8", np.int8, "int_val"),
    STRING: ("string", np.object_, "string_val"),
    8: ("complex64", np.complex64, "scomplex_val"),
    9: ("int64", np.int64, "int64_val"),
    10: ("bool", np.bool_, "bool_val"),
    17: ("uint16", np.uint16, "int_val"),
    18: ("complex128", np.complex128, "dcomplex_val"),
    19: ("half", np.float16, "half_val"),
    22: ("uint32", np.uint32, "uint32_val"),
    23: ("uint64", np.uint64, "uint64_val"),
}
"""By number of the DataType: TensorFlow's name, NumPy's type, the field that holds values."""

try:
    import ml_dtypes
except ImportError:  # a client without TensorFlow: bfloat16 is then not supported
    pass
else:
    _KINDS[14] = ("bfloat16", ml_dtypes.bfloat16, "half_val")

_DATA_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(kind): number for number, (_, kind, _) in _KINDS.items()
}

_STORED_AS: dict[str, Any] = {
    "half_val": np.uint16,
    "scomplex_val": np.float32,
    "dcomplex_val": np.float64,
}
"""Fields that hold the bits of a value, or its real and imaginary part."""

_SHORT_FLOATS = (1, 14, 19)

_PACKED_TAGS = {1: b"\x2a", 2: b"\x32"}
"""The tags of float_val and double_val, whose packed form is the array's own bytes."""


def type_name(dtype: int) -> str:
    """Returns TensorFlow's name of a DataType: `float`, `string`, `int64`."""
    return _KINDS[dtype][0] if dtype in _KINDS else enum_name(dtype)


def data_type(array: Array) -> int:
    """Returns the number of an array's DataType; 0 if it has none."""
    return _DATA_TYPES.get(array.dtype, 0)


def array_type_name(array: Array) -> str:
    """Returns TensorFlow's name of an array's type."""
    dtype = data_type(array)
    return _KINDS[dtype][0] if dtype else str(array.dtype)


def shape_text(array: Array) -> str:
    """Returns an array's shape as TensorFlow Serving writes it, for example `[2,3]`."""
    return f"[{','.join(map(str, array.shape))}]"


def enum_name(dtype: int) -> str:
    """Returns the name of a DataType in its enum, for example `DT_FLOAT`."""
    value = protos.enum("tensorflow.DataType").values_by_number.get(dtype)
    return value.name if value else f"type {dtype}"


def array_enum_name(array: Array) -> str:
    """Returns the enum's name of an array's type, for example `DT_FLOAT`."""
    dtype = data_type(array)
    return enum_name(dtype) if dtype else str(array.dtype)


def numpy_type(dtype: int) -> Any:
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

    Raises:
      ServingError: the array's type is not supported.
    """
    proto = protos.message("tensorflow.TensorProto")() if proto is None else proto
    dtype = data_type(array)
    if not dtype:
        message = f"tensors of type {array.dtype} are not supported"
        raise ServingError("UNIMPLEMENTED", message)
    field = _KINDS[dtype][2]
    values = np.ascontiguousarray(array)
    if dtype in _PACKED_TAGS and values.size:
        proto.MergeFromString(_PACKED_TAGS[dtype] + _varint(values.nbytes) + values.tobytes())
    else:
        stored = values.ravel().view(_STORED_AS[field]) if field in _STORED_AS else values.ravel()
        getattr(proto, field).extend(stored.tolist())
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
    field = _KINDS[proto.dtype][2]
    # A list first: NumPy reads protobuf's containers slowly.
    listed = getattr(proto, field)[:]
    is_column = len(dims) == 1 and dims[0].size == len(listed)  # as most inputs are
    if listed and is_column and field not in _STORED_AS:
        return _listed_values(listed, kind, field)
    shape = tuple(dim.size for dim in dims)
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise invalid(f"Invalid tensor shape {list(shape)}")
    # Everything is compared with the shape before memory for the shape is allocated.
    count, content = math.prod(shape), proto.tensor_content
    if content and proto.dtype == STRING:
        raise invalid("strings in tensor_content are not supported; use string_val")
    if content:
        if len(content) != count * np.dtype(kind).itemsize:
            raise invalid(f"{len(content)} bytes of tensor_content do not fit shape {list(shape)}")
        if kind is np.bool_:  # a byte that is neither 0 nor 1 is true
            return _reshape(np.frombuffer(content, np.uint8) != 0, shape)
        return _reshape(np.frombuffer(content, kind), shape)
    values = _listed_values(listed, kind, field)
    if len(values) > count:
        raise invalid(f"{len(values)} values do not fit shape {list(shape)}")
    return _reshape(_repeat_last(values, count, shape), shape)


def _listed_values(listed: Any, kind: Any, field: str) -> Array:
    """Returns the values in a field of a TensorProto as one column."""
    if field == "half_val":
        return np.array(listed, np.int32).astype(np.uint16).view(kind)
    if field == "int_val":  # TensorFlow's rule: bits that do not fit are dropped
        return np.array(listed, np.int32).astype(kind, copy=False)
    if field in _STORED_AS:
        if len(listed) % 2:
            raise invalid(f"{len(listed)} values of {field} are not pairs")
        return np.array(listed, _STORED_AS[field]).view(kind)
    return np.array(listed, kind)


def _repeat_last(values: Array, count: int, shape: tuple[int, ...]) -> Array:
    """Appends what was left out, by TensorFlow's rule: the last value, or 0 if there is none."""
    if len(values) == count:
        return values
    if not len(values):
        values = np.array([b""], object) if values.dtype == object else np.zeros(1, values.dtype)
    size = _STRING_BYTES + len(values[-1]) if values.dtype == object else values.itemsize
    if count * size > _MAX_REPEATED_BYTES:
        raise invalid(
            f"Invalid tensor shape {list(shape)}: {len(values)} values were sent, and a tensor "
            f"of more than {_MAX_REPEATED_BYTES} bytes needs all of its {count}"
        )
    return np.concatenate([values, np.repeat(values[-1:], count - len(values))])


def _reshape(values: Array, shape: tuple[int, ...]) -> Array:
    try:
        return values.reshape(shape)
    except ValueError as error:  # more dimensions, or a larger one, than NumPy supports
        raise invalid(f"Invalid tensor shape {list(shape)}: {error}") from error


def to_lists(array: Array) -> list[Any]:
    """Returns nested lists of Python values; a float32 keeps its own, shorter digits.

    The float32 nearest to 0.1 becomes 0.1, not 0.10000000149011612.
    """
    if data_type(array) in _SHORT_FLOATS:
        doubles = [float(str(value)) for value in array.ravel()]
        array = np.array(doubles, np.float64).reshape(array.shape)
    lists: list[Any] = array.tolist()
    return lists
