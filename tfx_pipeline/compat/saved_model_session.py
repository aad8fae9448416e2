"""A SavedModel as TensorFlow Serving runs it: a graph, its variables, a session.

`tf.saved_model.load` is more forgiving: it follows Python objects and finds variables
that the graph does not know. A Keras 3 export loads there and fails in every server.
The local server, the export check and the Evaluator all use this class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from tfx_pipeline.compat.table import SESSION_CALLABLES, UNOPTIMIZED_GRAPHS

_INIT_OP = "__saved_model_init_op"
_TAGS = ["serve"]
# Each request has a thread already: handing its operations to others takes longer.
_OWN_THREAD = config_pb2.RunOptions(inter_op_thread_pool=-1)


class ServedModel:
    """A SavedModel in a graph-mode session. Calls may come from many threads at once.

    Args:
      folder: the SavedModel.
      optimize: whether TensorFlow optimizes the graph first, as in a server. That takes
        longer than a few thousand rows; it changes no answer.
      defer_errors: whether a signature that cannot be called raises its error when it is
        called, as in TensorFlow Serving; else the model cannot be loaded.

    Attributes:
      signatures: what can be called, by name.

    Raises:
      Exception: whatever TensorFlow raises for a SavedModel that cannot be served.
    """

    def __init__(self, folder: str, *, optimize: bool = True, defer_errors: bool = False):
        unoptimized = not optimize and UNOPTIMIZED_GRAPHS.fits()
        config = _unoptimized() if unoptimized else None
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        try:
            with self._session.graph.as_default():
                load = _load_unoptimized if unoptimized else _load
                meta_graph = load(self._session, folder)
            self._session.graph.finalize()
            signatures = dict(meta_graph.signature_def)
            signatures.pop(_INIT_OP, None)
            self.signatures: dict[str, meta_graph_pb2.SignatureDef] = signatures
            self._callables = {name: self._callable(name, defer_errors) for name in signatures}
        except BaseException:
            self._session.close()
            raise

    def __enter__(self) -> ServedModel:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session; no call may be running."""
        self._callables.clear()
        self._session.close()

    def call(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Runs a signature on a batch.

        Args:
          signature: its name.
          inputs: values by the signature's input names; all of them.

        Returns:
          Arrays by the signature's output names.
        """
        names, outputs, run = self._callables[signature]
        return dict(zip(outputs, run(*[inputs[name] for name in names])))

    def string_input(self, signature: str) -> str | None:
        """The one input's name if the signature takes serialized examples."""
        inputs = self.signatures[signature].inputs
        if len(inputs) != 1:
            return None
        name, info = next(iter(inputs.items()))
        is_vector = len(info.tensor_shape.dim) <= 1 and not info.tensor_shape.unknown_rank
        return name if info.dtype == tf.string.as_datatype_enum and is_vector else None

    def _callable(
        self, name: str, defer_errors: bool
    ) -> tuple[list[str], list[str], Callable[..., list[Any]]]:
        signature = self.signatures[name]
        inputs, outputs = sorted(signature.inputs), sorted(signature.outputs)
        feed = [signature.inputs[key].name for key in inputs]
        fetch = [signature.outputs[key].name for key in outputs]
        try:
            return inputs, outputs, _make_callable(self._session, feed, fetch)
        except Exception as error:
            if not defer_errors:
                raise
            return inputs, outputs, _raising(error)


def _load(session: tf.compat.v1.Session, folder: str) -> meta_graph_pb2.MetaGraphDef:
    return tf.compat.v1.saved_model.load(session, _TAGS, folder)


def _load_unoptimized(session: tf.compat.v1.Session, folder: str) -> meta_graph_pb2.MetaGraphDef:
    from tensorflow.python.saved_model import loader_impl

    loader = loader_impl.SavedModelLoader(folder)
    graph = loader.get_meta_graph_def_from_tags(_TAGS).graph_def
    # Calls of functions carry a configuration of their own, which counts instead.
    config = _unoptimized().SerializeToString()
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            if "config_proto" in node.attr:
                node.attr["config_proto"].s = config
    return loader.load(session, _TAGS)


def _unoptimized() -> tf.compat.v1.ConfigProto:
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


def _make_callable(
    session: tf.compat.v1.Session, feed: list[str], fetch: list[str]
) -> Callable[..., list[Any]]:
    """A function from the values of `feed` to those of `fetch`.

    One row of the bundled model takes 0.6 ms by the public `make_callable`, 0.2 ms by
    what that one calls.
    """
    if SESSION_CALLABLES.fits():
        options = config_pb2.CallableOptions(feed=feed, fetch=fetch, run_options=_OWN_THREAD)
        return session._make_callable_from_options(options)
    run = session.make_callable(fetch, feed, accept_options=True)
    return lambda *values: run(*values, options=_OWN_THREAD)


def _raising(error: Exception) -> Callable[..., list[Any]]:
    """A function that raises this error."""

    def run(*values: Any) -> list[Any]:
        raise error.with_traceback(None)  # else the traceback would grow with each call

    return run


def reason(error: Exception) -> str:
    """The part of TensorFlow's messages that a person can use."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.endswith(":") and not line.startswith("Detected")]
    text = (useful or lines or [type(error).__name__])[0]
    return text if len(text) <= 300 else f"{text[:297]}..."
