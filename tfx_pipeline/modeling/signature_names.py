"""What tf.saved_model.save cannot say about a SavedModel."""

from __future__ import annotations

import copy
import os
from collections.abc import Collection

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfx_pipeline.compat.saved_model_fingerprint import renew_fingerprint

_OF_TABLES = {"HashTableV2", "LookupTableFindV2", "LookupTableSizeV2"}
"""Operations that Transform's graph has for vocabularies."""


def amend(folder: str, methods: dict[str, str], columns: dict[str, str]) -> None:
    """Sets what TensorFlow cannot save.

    TensorFlow saves every signature as Predict, and TensorFlow Serving refuses
    to classify with a signature that does not say so. Nor does it take inputs with
    any name: the inputs of `columns` have internal names in the graph, and clients
    send the raw names, such as "Trip Miles (mi)". And it does not know that the function
    of Transform's graph, which is one of TF 1, reads tables.

    Args:
      folder: the SavedModel.
      methods: API method names by signature name.
      columns: raw names by the names that the inputs of `columns` have in the graph.
    """
    path = os.path.join(folder, "saved_model.pb")
    with tf.io.gfile.GFile(path, "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved.meta_graphs:
        for name, method in methods.items():
            meta_graph.signature_def[name].method_name = method
        _rename_inputs(meta_graph, columns)
        _separate_arguments(meta_graph)
        _name_reads_of_tables(meta_graph)
    with tf.io.gfile.GFile(f"{path}.new", "wb") as file:
        file.write(saved.SerializeToString(deterministic=True))
    tf.io.gfile.rename(f"{path}.new", path, overwrite=True)
    renew_fingerprint(folder)


def _rename_inputs(meta_graph: meta_graph_pb2.MetaGraphDef, columns: dict[str, str]) -> None:
    inputs = meta_graph.signature_def["columns"].inputs
    # All are read before one is written: a raw name can be the internal name of another.
    renamed = {columns.get(name, name): info for name, info in copy.deepcopy(dict(inputs)).items()}
    inputs.clear()
    for name, info in renamed.items():
        inputs[name].CopyFrom(info)
    if not _can_be_arguments(columns.values()):
        return
    for node in meta_graph.object_graph_def.nodes:
        # What an eager load calls them.
        keywords = node.bare_concrete_function.argument_keywords if _is_bare(node) else []
        for i, keyword in enumerate(keywords):
            keywords[i] = columns.get(keyword, keyword)


def _can_be_arguments(names: Collection[str]) -> bool:
    """Whether Python can call a loaded function with arguments of these names.

    TensorFlow replaces all characters but letters and digits, so "x y" and "x.y" are one
    name for it. It takes "²" for a digit, which no name in Python has. Where they cannot, the
    internal names remain.
    """
    seen = {"".join(c if c.isalnum() else "_" for c in name) for name in names}
    are_names = all(f"a{name}".isidentifier() for name in seen)
    return are_names and len(seen) == len(names) and seen.isdisjoint({"", "self"})


def _is_bare(node) -> bool:
    return node.WhichOneof("kind") == "bare_concrete_function"


def _separate_arguments(meta_graph: meta_graph_pb2.MetaGraphDef) -> None:
    """Renames arguments of functions that are different only for a SavedModel.

    The saved function of Transform's graph has the raw names as arguments. Python takes it
    only if they are still different with other characters replaced: not "x y" and "x.y".
    """
    for function in meta_graph.object_graph_def.concrete_functions.values():
        _, keywords = function.canonicalized_input_signature.tuple_value.values
        fields = keywords.dict_value.fields
        if not _can_be_arguments(fields):
            values = [value for _, value in sorted(copy.deepcopy(dict(fields)).items())]
            fields.clear()
            for i, value in enumerate(values):
                fields[f"argument_{i}"].CopyFrom(value)


def _name_reads_of_tables(meta_graph: meta_graph_pb2.MetaGraphDef) -> None:
    """Makes the look-ups in Transform's function outputs, which say that they must be executed.

    Without that, TensorFlow cannot merge the function into the graphs that call it, and each
    request pays for a second execution of a graph, which nothing has optimized.
    """
    for function in meta_graph.graph_def.library.function:
        if function.control_ret:
            continue
        for number, node in enumerate(n for n in function.node_def if n.op in _OF_TABLES):
            function.signature.control_output.append(f"table_{number}")
            function.control_ret[f"table_{number}"] = node.name
