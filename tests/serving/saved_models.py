"""SavedModels whose signatures a test writes tensor by tensor."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.serving.harness import RawClient
from tfx_pipeline.serving.protocol import protos

Signature = Callable[[], tuple[dict[str, Any], dict[str, Any]]]


def save(
    base_path: pathlib.Path,
    signatures: Mapping[str, Signature],
    *,
    version: int = 1,
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
    warmup: Iterable[bytes] = (),
) -> pathlib.Path:
    """Writes a version of a model; returns the base path.

    Each signature is a function that makes its operations and returns its inputs and
    outputs by name: tensors, or TensorInfos.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import meta_graph_pb2

    v1, folder = tf.compat.v1, base_path / str(version)
    with tf.Graph().as_default(), v1.Session() as session:
        found = {}
        for name, make in signatures.items():
            found[name] = meta_graph_pb2.SignatureDef(method_name="tensorflow/serving/predict")
            for tensors, infos in zip(make(), (found[name].inputs, found[name].outputs)):
                for key, tensor in tensors.items():
                    is_tensor = isinstance(tensor, tf.Tensor)
                    info = v1.saved_model.build_tensor_info(tensor) if is_tensor else tensor
                    infos[key].CopyFrom(info)
            for key, value in (defaults or {}).get(name, {}).items():
                found[name].defaults[key].CopyFrom(tf.make_tensor_proto(value))
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], found)
        builder.save()
    if warmup:
        (folder / "assets.extra").mkdir()
        path = folder / "assets.extra" / "tf_serving_warmup_requests"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in warmup:
                writer.write(record)
    return base_path


def half_plus_one() -> tuple[dict[str, Any], dict[str, Any]]:
    """y = x / 2 + 1."""
    import tensorflow as tf

    x = tf.compat.v1.placeholder(tf.float32, [None])
    return {"x": x}, {"y": x / 2 + 1}


def info(name: str, dtype: int = 1) -> Any:
    """A TensorInfo."""
    from tensorflow.core.protobuf import meta_graph_pb2

    return meta_graph_pb2.TensorInfo(name=name, dtype=dtype)


def config_of(base_paths: Mapping[str, pathlib.Path]) -> Any:
    """A ModelServerConfig."""
    config = protos.message("ModelServerConfig")()
    for name, base_path in base_paths.items():
        config.model_config_list.config.add(
            name=name, base_path=str(base_path), model_platform="tensorflow"
        )
    return config


def serve(server: Any, base_paths: Mapping[str, pathlib.Path]) -> RawClient:
    """Makes a running server serve these models, and nothing else; returns a client.

    Raises grpc.RpcError if one of them is not available.
    """
    client = RawClient(server)
    request = protos.message("ReloadConfigRequest")(config=config_of(base_paths))
    client.model("HandleReloadConfigRequest", request)
    return client


def predict_log(signature: str = "serving_default", **inputs: Any) -> bytes:
    """A warm-up record."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()
