from __future__ import annotations

import importlib.util
import resource
import warnings

import ml_dtypes
import numpy as np
import pytest

from tfx_pipeline.compat import lines
from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.protocol import protos, tensors

ARRAYS = [
    np.array([1.5, np.nan, np.inf], np.float32),
    np.array([[0.1], [1e300]], np.float64),
    np.array([[2**62, -1]], np.int64),
    np.array([1, 255], np.uint8),
    np.array([-5], np.int32),
    np.array([True, False]),
    np.array([b"a", b"", "Zürich".encode(), b"\xff"], object),
    np.array(3.0, np.float32),
    np.empty((0, 3), np.float32),
    np.empty(0, object),
    np.array([0.1, -65504, np.inf], np.float16),
    np.array([[0.1], [1e38]], ml_dtypes.bfloat16),
    np.array([65535, 0], np.uint16),
    np.array([1 + 2j, -0.5j], np.complex64),
    np.array([[1e300 + 2j]], np.complex128),
    np.array(b"scalar", object),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{list(a.shape)}")
def test_to_proto_and_back(array):
    proto = tensors.to_proto(array)
    sent = type(proto).FromString(proto.SerializeToString())
    back = tensors.from_proto(sent)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def tensor(dtype, shape, **fields):
    proto = protos.message("tensorflow.TensorProto")(dtype=dtype, **fields)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def test_tensor_content():
    content = np.array([1, 2, 3, 4], np.float32).tobytes()
    array = tensors.from_proto(tensor(1, [2, 2], tensor_content=content))
    assert array.tolist() == [[1, 2], [3, 4]]


def test_strings_in_tensor_content():
    """The bytes that TensorFlow's C++ writes: all lengths, then all strings."""
    content = b"\1\0\xc8\1\2" + b"a" + b"b" * 200 + b"cd"
    array = tensors.from_proto(tensor(7, [2, 2], tensor_content=content))
    assert array.tolist() == [[b"a", b""], [b"b" * 200, b"cd"]]


def test_the_last_value_is_used_for_those_left_out():
    assert tensors.from_proto(tensor(1, [4], float_val=[1, 2])).tolist() == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(4, [44, 255, 112]), (6, [44, -1, 112]), (5, [300, -1, 4464]), (17, [300, 65535, 4464])],
    ids=["uint8", "int8", "int16", "uint16"],
)
def test_bits_that_do_not_fit_are_dropped_as_in_tensorflow(dtype, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = tensors.from_proto(tensor(dtype, [3], int_val=[300, -1, 70000]))
        half = tensors.from_proto(tensor(19, [2], half_val=[-1, 0x13C00]))
    assert found.tolist() == expected
    assert half.view(np.uint16).tolist() == [0xFFFF, 0x3C00]


def test_any_byte_but_zero_is_true():
    found = tensors.from_proto(tensor(10, [3], tensor_content=b"\0\1\4"))
    assert found.view(np.uint8).tolist() == [0, 1, 1]


def test_zero_is_used_if_no_value_is_sent():
    assert tensors.from_proto(tensor(1, [2])).tolist() == [0, 0]
    assert tensors.from_proto(tensor(7, [2])).tolist() == [b"", b""]


def test_a_tensor_may_be_large_if_all_its_values_are_sent():
    content = bytes(100 * 2**20)
    assert tensors.from_proto(tensor(4, [len(content)], tensor_content=content)).size == 100 * 2**20


def test_an_invalid_tensor_needs_no_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for proto in (tensor(1, [2**28], float_val=[1]), tensor(7, [2**28], string_val=[b"a"])):
        with pytest.raises(ServingError):
            tensors.from_proto(proto)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 2**10  # of 1 KiB; the tensors would take 1 GiB and more


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (tensor(1, [2**40], float_val=[1]), "Invalid tensor shape"),
        (tensor(1, [2**28], float_val=[1]), "needs all of its 268435456"),
        (tensor(7, [2**24], string_val=[b"a"]), "needs all of its 16777216"),
        (tensor(7, [100], string_val=[b"a" * 2**20]), "needs all of its 100"),
        (tensor(1, [2**28]), "needs all of its 268435456"),
        (tensor(1, [2**62, 2**62], tensor_content=b"abcd"), "do not fit shape"),
        (tensor(1, [0, 2**62]), "Invalid tensor shape"),
        (tensor(1, [1] * 65, float_val=[1]), "Invalid tensor shape"),
        *((tensor(7, [2], tensor_content=content), "bytes of tensor_content do not fit")
          for content in (b"\1", b"\1\1a", b"\1\1abc", b"\x80\x80", b"\x80" * 20 + b"\0\0",
                          b"\xff" * 9 + b"\1\0a")),
        (tensor(7, [2**40], tensor_content=b"\0"), "bytes of tensor_content do not fit"),
        (tensor(7, [0], tensor_content=b"\0"), "bytes of tensor_content do not fit"),
        (tensor(8, [1], scomplex_val=[1]), "1 values of scomplex_val are not pairs"),
        (tensor(1, [-1], float_val=[1]), "Invalid tensor shape"),
        (tensor(1, [1], float_val=[1, 2]), "2 values do not fit shape [1]"),
        (tensor(1, [2], tensor_content=b"abc"), "3 bytes of tensor_content do not fit"),
        (tensor(20, [1]), "DT_RESOURCE"),
        (tensor(0, [1]), "DT_INVALID"),
    ],
)  # fmt: skip
def test_an_invalid_tensor(proto, message):
    with pytest.raises(ServingError, match="INVALID_ARGUMENT") as caught:
        tensors.from_proto(proto)
    assert message in caught.value.message


@pytest.mark.tensorflow
@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{list(a.shape)}")
def test_tensorflow_reads_and_writes_the_same(array):
    import tensorflow as tf
    from tensorflow.core.framework import tensor_pb2

    ours = tensor_pb2.TensorProto.FromString(tensors.to_proto(array).SerializeToString())
    np.testing.assert_array_equal(tf.make_ndarray(ours), array)
    kind = tf.string if array.dtype == object else None
    theirs = tf.make_tensor_proto(array, kind, array.shape).SerializeToString()
    back = tensors.from_proto(protos.message("tensorflow.TensorProto").FromString(theirs))
    np.testing.assert_array_equal(back, array)


@pytest.mark.tensorflow
def test_the_descriptors_are_those_of_the_installed_package(project):
    """Refresh them with: python scripts/make_protos.py"""
    if lines.installed() != lines.OLDER:
        pytest.skip("the file is made from the older line's package")
    spec = importlib.util.spec_from_file_location("make", project / "scripts" / "make_protos.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert protos.FILE.read_bytes() == module.file_set().SerializeToString(deterministic=True)
