"""What tf.saved_model.save cannot say about a SavedModel."""

from __future__ import annotations

import os

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfx_pipeline.compat.saved_model_fingerprint import renew_fingerprint


def amend(folder: str, methods: dict[str, str], columns: dict[str, str]) -> None:
    """Sets what TensorFlow cannot save.

    TensorFlow saves every signature as Predict, and TensorFlow Serving refuses
    to classify with a signature that does not say so. Nor does it take inputs
    with names like "Trip Miles (mi)", which clients nevertheless should send.

    Args:
      folder: the SavedModel.
      methods: API method names by signature name.
      columns: the names that inputs should have, by those they have.
    """
    path = os.path.join(folder, "saved_model.pb")
    with tf.io.gfile.GFile(path, "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved.meta_graphs:
        for name, method in methods.items():
            meta_graph.signature_def[name].method_name = method
        _rename_inputs(meta_graph, columns)
    with tf.io.gfile.GFile(f"{path}.new", "wb") as file:
        file.write(saved.SerializeToString(deterministic=True))
    tf.io.gfile.rename(f"{path}.new", path, overwrite=True)
    renew_fingerprint(folder)


def _rename_inputs(meta_graph: meta_graph_pb2.MetaGraphDef, columns: dict[str, str]) -> None:
    inputs = meta_graph.signature_def["columns"].inputs
    for saved, wanted in columns.items():
        inputs[wanted].CopyFrom(inputs[saved])
        del inputs[saved]
    for node in meta_graph.object_graph_def.nodes:
        # What an eager load calls them.
        keywords = node.bare_concrete_function.argument_keywords if _is_bare(node) else []
        for i, keyword in enumerate(keywords):
            keywords[i] = columns.get(keyword, keyword)


def _is_bare(node) -> bool:
    return node.WhichOneof("kind") == "bare_concrete_function"
