from __future__ import annotations

import importlib.util

import numpy as np
import pytest

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


def test_the_last_value_is_used_for_those_left_out():
    assert tensors.from_proto(tensor(1, [4], float_val=[1, 2])).tolist() == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (tensor(1, [2**40], float_val=[1]), "Invalid tensor shape"),
        (tensor(1, [-1], float_val=[1]), "Invalid tensor shape"),
        (tensor(1, [3]), "0 values do not fit shape [3]"),
        (tensor(1, [1], float_val=[1, 2]), "2 values do not fit shape [1]"),
        (tensor(1, [2], tensor_content=b"abc"), "3 bytes of tensor_content do not fit"),
        (tensor(8, [1]), "DT_COMPLEX64"),
        (tensor(0, [1]), "DT_INVALID"),
    ],
)
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
    spec = importlib.util.spec_from_file_location("make", project / "scripts" / "make_protos.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert protos.FILE.read_bytes() == module.file_set().SerializeToString(deterministic=True)
