"""Writes what Transform learned from the training split, as `learned.json` beside the graph.

The values are read from the transform graph, in which the results of the analyzers are constants
and vocabularies are assets. So they are those that the exported model uses. docs/report.md
describes the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tfx.dsl.io import fileio

from tfx_pipeline.modeling.column_statistics import Analyzed, Learned
from tfx_pipeline.report import file_names

_SHOWN = 12
"""Values of a vocabulary in the file."""


def write(graph: str, analyzed: Mapping[str, Analyzed]) -> None:
    """Writes the file, unless nothing was learned.

    Args:
      graph: the folder of the transform graph.
      analyzed: what each analyzer computed, by the name of its tensor when it was traced.
    """
    columns: dict[str, dict[str, Learned]] = {}
    for name, found in analyzed.items():
        flat = constant(_graph(graph), name)
        for key, learned in found.values(flat).items() if flat is not None else ():
            column, part = _names(key)
            columns.setdefault(column, {})[part] = learned
    all_parts: dict[str, Any] = {"columns": columns, "vocabularies": vocabularies(graph)}
    parts = {name: part for name, part in all_parts.items() if part}
    if parts:
        document = {"version": 1, **parts}
        with fileio.open(os.path.join(graph, file_names.LEARNED), "w") as file:
            file.write(json.dumps(document, ensure_ascii=False, indent=1))


def vocabularies(graph: str) -> dict[str, dict[str, Any]]:
    """The size and the first values of each vocabulary, by its name in the preprocessing.

    Args:
      graph: the folder of the transform graph.
    """
    output = tft.TFTransformOutput(graph)
    names = os.path.join(graph, output.TRANSFORMED_METADATA_DIR, output.ASSET_MAP)
    if not fileio.exists(names):
        return {}
    with fileio.open(names) as file:
        found = json.loads(file.read())
    result: dict[str, dict[str, Any]] = {}
    for name in sorted(found):
        values = output.vocabulary_by_name(name)
        texts = [value.decode("utf-8", "replace") for value in values[:_SHOWN]]
        result[name] = {"size": len(values), "values": texts}
    return result


def constant(graph: graph_pb2.GraphDef, name: str) -> np.ndarray | None:
    """The value of the constant that a node of that name copies; None if there is none.

    Args:
      name: without the scope into which TensorFlow Transform imports the traced graph.
    """
    nodes = {node.name: node for node in graph.node}
    copies = [n for n in graph.node if n.name == name or n.name.endswith(f"/{name}")]
    source = nodes.get(copies[0].input[0].partition(":")[0]) if len(copies) == 1 else None
    while source is not None and source.op == "Identity":
        source = nodes.get(source.input[0].partition(":")[0])
    if source is None or source.op != "Const":
        return None
    value: np.ndarray = tf.make_ndarray(source.attr["value"].tensor)
    return value


def _graph(folder: str) -> graph_pb2.GraphDef:
    path = os.path.join(folder, tft.TFTransformOutput.TRANSFORM_FN_DIR, "saved_model.pb")
    with fileio.open(path, "rb") as file:
        return saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].graph_def


def _names(key: Hashable) -> tuple[str, str]:
    """The column, and the treatment's own name of what was computed from it."""
    column, part = key if isinstance(key, tuple) else (key, key)
    return str(column), str(part)
