"""Loads a SavedModel as TensorFlow Serving does: a graph, its variables, a session.

`tf.saved_model.load` is more forgiving: it follows Python objects and finds
variables that the graph does not know. A Keras 3 export loads there and fails in
every server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.saved_model import loader_impl

_INIT_OP = "__saved_model_init_op"


class ServedModel:
    """A SavedModel in a graph-mode session.

    Attributes:
      signatures: what can be called, by name.

    Raises:
      Exception: whatever TensorFlow raises for a SavedModel that cannot be served.
    """

    def __init__(self, folder: str):
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=_unoptimized())
        loader = loader_impl.SavedModelLoader(folder)
        meta_graph = loader.get_meta_graph_def_from_tags(["serve"])
        _leave_unoptimized(meta_graph.graph_def)
        with self._session.graph.as_default():
            loader.load(self._session, ["serve"])
        signatures = dict(meta_graph.signature_def)
        signatures.pop(_INIT_OP, None)
        self.signatures: dict[str, meta_graph_pb2.SignatureDef] = signatures

    def __enter__(self) -> ServedModel:
        return self

    def __exit__(self, *exception: object) -> None:
        self._session.close()

    def call(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Runs a signature on a batch.

        Args:
          signature: its name.
          inputs: values by the signature's input names.
        """
        return self.call_together({signature: inputs})[signature]

    def call_together(
        self, inputs: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, dict[str, np.ndarray]]:
        """Runs several signatures at once.

        TensorFlow prepares the graph anew for each set of signatures that are run
        together, which takes longer than running them: always ask the same set.

        Args:
          inputs: by signature, values by input name.
        """
        feed, fetch = {}, {}
        for signature, values in inputs.items():
            definition = self.signatures[signature]
            feed.update({definition.inputs[name].name: value for name, value in values.items()})
            fetch[signature] = {name: info.name for name, info in definition.outputs.items()}
        return self._session.run(fetch, feed)

    def string_input(self, signature: str) -> str | None:
        """The one input's name if the signature takes serialized examples."""
        inputs = self.signatures[signature].inputs
        if len(inputs) != 1:
            return None
        name, info = next(iter(inputs.items()))
        is_vector = len(info.tensor_shape.dim) <= 1 and not info.tensor_shape.unknown_rank
        return name if info.dtype == tf.string.as_datatype_enum and is_vector else None


def _unoptimized() -> tf.compat.v1.ConfigProto:
    """Without the graph optimizer, which takes longer here than what it saves."""
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


def _leave_unoptimized(graph: graph_pb2.GraphDef) -> None:
    """Calls of functions carry a configuration of their own, which counts instead."""
    config = _unoptimized().SerializeToString()
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            if "config_proto" in node.attr:
                node.attr["config_proto"].s = config


def reason(error: Exception) -> str:
    """The part of TensorFlow's messages that a person can use."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.endswith(":") and not line.startswith("Detected")]
    text = (useful or lines or [type(error).__name__])[0]
    return text if len(text) <= 300 else f"{text[:297]}..."
