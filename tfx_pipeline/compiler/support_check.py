"""Refuses what no node of this project can run, by name, before anything is run."""

from __future__ import annotations

import importlib
import os
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfx_pipeline import errors
from tfx_pipeline.errors import Problem
from tfx_pipeline.ir import pipeline_ir

if TYPE_CHECKING:
    from tfx.proto.orchestration import pipeline_pb2


DOCKER_SOCKET = "/var/run/docker.sock"
_DOCKER = "Install Docker, or set DOCKER_HOST"


def check(pipeline: pipeline_pb2.Pipeline) -> None:
    """Checks the whole pipeline.

    Raises:
      ConfigError: it holds all problems, each with the node's id.
    """
    problems = [*_structure(pipeline)]
    if not problems:
        problems = [*_options(pipeline), *_executors(pipeline), *_infra_validators(pipeline)]
    if problems:
        raise errors.ConfigError(problems, f"pipeline {pipeline.pipeline_info.id!r}")


def _structure(pipeline: pipeline_pb2.Pipeline) -> Iterator[Problem]:
    from tfx.proto.orchestration import pipeline_pb2

    if not pipeline.nodes:
        yield Problem("components", "is empty: the pipeline has no nodes", "Name its components")
    if pipeline.execution_mode == pipeline_pb2.Pipeline.ASYNC:
        remedy = "Leave execution_mode out: nodes run once, each after its upstream nodes"
        yield Problem("execution_mode", "ASYNC is not supported", remedy)
    for node in pipeline.nodes:
        if node.WhichOneof("node") != "pipeline_node":
            name = node.sub_pipeline.pipeline_info.id
            remedy = "Put its components into the outer pipeline"
            yield Problem(name, "is a pipeline inside a pipeline, which is not supported", remedy)


def _options(pipeline: pipeline_pb2.Pipeline) -> Iterator[Problem]:
    from tfx.proto.orchestration import pipeline_pb2

    options = pipeline_pb2.NodeExecutionOptions
    usual = (options.TRIGGER_STRATEGY_UNSPECIFIED, options.ALL_UPSTREAM_NODES_SUCCEEDED)
    for node in pipeline_ir.nodes(pipeline):
        name, found = node.node_info.id, node.execution_options
        if found.strategy not in usual:
            strategy = options.TriggerStrategy.Name(found.strategy)
            remedy = "Only ALL_UPSTREAM_NODES_SUCCEEDED is supported"
            yield Problem(name, f"has the trigger strategy {strategy}", remedy)
        if found.node_success_optional:
            remedy = "Leave success_optional out: a node that fails ends the run"
            yield Problem(name, "has success_optional, which is not supported", remedy)


def _executors(pipeline: pipeline_pb2.Pipeline) -> Iterator[Problem]:
    deployment = pipeline_ir.deployment(pipeline)
    for name, kind, packed in pipeline_ir.executor_and_driver_specs(deployment):
        path = pipeline_ir.class_path(pipeline_ir.unpacked(packed))
        if path:
            reason = _import_problem(path)
            if reason:
                remedy = "Put it into a module beside the pipeline, or install its package"
                yield Problem(name, f"its {kind} {path} cannot be imported: {reason}", remedy)
        elif not _has_docker():
            yield Problem(name, "runs a container, and there is no Docker here", _DOCKER)


def _infra_validators(pipeline: pipeline_pb2.Pipeline) -> Iterator[Problem]:
    for node in pipeline_ir.nodes(pipeline):
        parameters = node.parameters.parameters
        if "serving_spec" in parameters and not _has_docker():
            serving = parameters["serving_spec"].field_value.string_value
            if "local_docker" in serving or "localDocker" in serving:
                remedy = f"{_DOCKER}, or use tfx_pipeline.components.ExportCheck instead"
                name = node.node_info.id
                yield Problem(name, "starts a model server in Docker, which is not here", remedy)


def _has_docker() -> bool:
    return "DOCKER_HOST" in os.environ or pathlib.Path(DOCKER_SOCKET).exists()


def _import_problem(path: str) -> str:
    """Why a class cannot be imported; empty if it can."""
    module, _, name = path.rpartition(".")
    try:
        found = importlib.import_module(module)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "" if hasattr(found, name) else f"{module} has no {name!r}"
