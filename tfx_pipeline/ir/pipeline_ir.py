"""Reading and changing TFX's intermediate representation (IR) of a pipeline.

Only the protos are imported (0.2 s), neither TensorFlow nor TFX's launcher.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from google.protobuf import any_pb2
from google.protobuf.message import DecodeError, Message
from ml_metadata.proto import metadata_store_pb2
from tfx.proto.orchestration import executable_spec_pb2
from tfx.proto.orchestration import pipeline_pb2 as pb

from tfx_pipeline import errors
from tfx_pipeline.ir import data_uri
from tfx_pipeline.storage.atomic_write import write_atomically

RUN_ID_PARAMETER = "pipeline-run-id"
_TYPES: dict[int, type[int] | type[float] | type[str]] = {
    pb.RuntimeParameter.INT: int,
    pb.RuntimeParameter.DOUBLE: float,
    pb.RuntimeParameter.STRING: str,
}
TYPE_NAMES = {int: "int", float: "float", str: "string"}


def read(source: str | pathlib.Path) -> pb.Pipeline:
    """Reads a compiled pipeline from a file or a `data:` URI.

    Raises:
      ConfigError: there is no such file, or it is not a compiled pipeline.
    """
    name = str(source)
    try:
        if data_uri.is_inline(name):
            data, name = data_uri.decode(name), f"{name[:40]}..."
        else:
            data = pathlib.Path(name).read_bytes()
        pipeline = pb.Pipeline.FromString(data)
    except OSError as error:
        raise errors.ConfigError(f"{name}: cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise errors.ConfigError(f"{name}: not a compiled pipeline: {error}") from error
    if not pipeline.nodes:
        raise errors.ConfigError(f"{name}: not a compiled pipeline: it has no nodes")
    return pipeline


def enable_cache(path: pathlib.Path) -> None:
    """Rewrites a compiled pipeline so that its nodes may use results of earlier runs."""
    pipeline = read(path)
    for node in nodes(pipeline):
        node.execution_options.caching_options.enable_cache = True
    write_atomically(path, pipeline.SerializeToString(deterministic=True))


def nodes(pipeline: pb.Pipeline) -> list[pb.PipelineNode]:
    """The pipeline's nodes in topological order."""
    return [node.pipeline_node for node in pipeline.nodes]


def node_ids(pipeline: pb.Pipeline) -> list[str]:
    """The ids of the pipeline's nodes, in the same order."""
    return [node.node_info.id for node in nodes(pipeline)]


def find_node(pipeline: pb.Pipeline, name: str) -> pb.PipelineNode:
    """The node with that id.

    Raises:
      ConfigError: there is none.
    """
    by_id = {node.node_info.id: node for node in nodes(pipeline)}
    if name not in by_id:
        hint = errors.did_you_mean(name, by_id)
        message = f"pipeline {pipeline.pipeline_info.id!r} has no such node"
        raise errors.ConfigError(errors.Problem(name, message, hint))
    return by_id[name]


def deployment(pipeline: pb.Pipeline) -> pb.IntermediateDeploymentConfig:
    """How nodes are executed, and where ML Metadata is."""
    config = pb.IntermediateDeploymentConfig()
    pipeline.deployment_config.Unpack(config)
    return config


def executor_and_driver_specs(
    config: pb.IntermediateDeploymentConfig,
) -> Iterator[tuple[str, str, any_pb2.Any]]:
    """For each node: its id, `executor`, and the spec; then the same for each `driver`.

    A change of a spec changes `config`.
    """
    kinds = {"executor": config.executor_specs, "driver": config.custom_driver_specs}
    for kind, specs in kinds.items():
        for node in sorted(specs):
            yield node, kind, specs[node]


def unpacked(packed: any_pb2.Any) -> Message:
    """The message in an executor's or a driver's `Any`."""
    message: Message = getattr(executable_spec_pb2, packed.TypeName().rpartition(".")[2])()
    packed.Unpack(message)
    return message


def class_path(spec: Message) -> str:
    """The dotted path of the class in an executor's or a driver's spec; empty for a container."""
    python = getattr(spec, "python_executor_spec", spec)
    return str(getattr(python, "class_path", ""))


def metadata_connection(pipeline: pb.Pipeline) -> metadata_store_pb2.ConnectionConfig:
    """ML Metadata's connection, without a password."""
    config = metadata_store_pb2.ConnectionConfig()
    deployment(pipeline).metadata_connection_config.Unpack(config)
    return config


def pipeline_root(pipeline: pb.Pipeline) -> str:
    """The folder of the nodes' artifacts."""
    value = pipeline.runtime_spec.pipeline_root
    if value.HasField("runtime_parameter"):
        return str(default_of(value.runtime_parameter))
    return value.field_value.string_value


def runtime_parameters(pipeline: pb.Pipeline) -> Iterator[tuple[str, pb.RuntimeParameter]]:
    """Pairs of node id and a runtime parameter that the node declares."""
    for node in nodes(pipeline):
        for value in node.parameters.parameters.values():
            if value.HasField("runtime_parameter"):
                yield node.node_info.id, value.runtime_parameter


def cast_parameters(pipeline: pb.Pipeline, given: dict[str, str]) -> dict[str, int | float | str]:
    """Converts the texts of runtime parameters to the types that the pipeline declares.

    Raises:
      ConfigError: a parameter the pipeline does not have (TFX would ignore it),
        or a value of another type.
    """
    declared = {p.name: p for _, p in runtime_parameters(pipeline)}
    problems: list[errors.Problem] = []
    result: dict[str, int | float | str] = {}
    for name, text in given.items():
        if name not in declared:
            hint = errors.did_you_mean(name, declared)
            problems.append(
                errors.Problem(name, "the pipeline has no such runtime parameter", hint)
            )
            continue
        wanted = _TYPES[declared[name].type]
        try:
            result[name] = wanted(text)
        except ValueError:
            kind = TYPE_NAMES[wanted]
            problems.append(errors.Problem(name, f"must be of type {kind}, found {text!r}"))
    if problems:
        raise errors.ConfigError(problems, "--param")
    return result


def default_of(parameter: pb.RuntimeParameter) -> int | float | str | None:
    """The parameter's default; None if it must be given."""
    which = parameter.default_value.WhichOneof("value")
    return getattr(parameter.default_value, which) if which else None


def python_type(parameter: pb.RuntimeParameter) -> type[int] | type[float] | type[str]:
    """The type of the parameter's value."""
    return _TYPES[parameter.type]


def type_of(parameter: pb.RuntimeParameter) -> str:
    """`int`, `float` or `string`."""
    return TYPE_NAMES[python_type(parameter)]
