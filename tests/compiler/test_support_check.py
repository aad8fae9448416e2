"""What cannot be run is refused when it is compiled, by name, with the reason."""

from __future__ import annotations

import pytest

from tfx_pipeline import errors
from tfx_pipeline.orchestrators.local.runner import LocalRunner

pytestmark = pytest.mark.tensorflow


def refused(components, tmp_path, **arguments):
    """The text of the error that compiling a pipeline of these components ends with."""
    from tfx import v1 as tfx

    from tfx_pipeline.compiler import own_pipeline
    from tfx_pipeline.compiler.compiler import compile_object

    root = str(tmp_path / "root")
    pipeline = tfx.dsl.Pipeline("flow", root, components=components, **arguments)
    with pytest.raises(errors.ConfigError) as caught:
        compile_object(pipeline, own_pipeline.config_of(pipeline))
    return str(caught.value)


@pytest.fixture
def importer():
    from tfx import v1 as tfx

    def make(name):
        kind = tfx.types.standard_artifacts.Model
        return tfx.dsl.Importer(source_uri="nowhere", artifact_type=kind).with_id(name)

    return make


def test_a_pipeline_without_nodes(tmp_path):
    assert "components: is empty" in refused([], tmp_path)


def test_a_pipeline_inside_a_pipeline(tmp_path, importer):
    from tfx import v1 as tfx

    inner = tfx.dsl.Pipeline("inner", components=[importer("one")])
    assert "inner: is a pipeline inside a pipeline" in refused([inner], tmp_path)


def test_an_asynchronous_pipeline(tmp_path, importer):
    from tfx.orchestration.pipeline import ExecutionMode

    found = refused([importer("one")], tmp_path, execution_mode=ExecutionMode.ASYNC)
    assert "execution_mode: ASYNC is not supported" in found


def test_a_trigger_strategy_and_an_optional_success(tmp_path, importer):
    from tfx.dsl.experimental.node_execution_options import utils
    from tfx.proto.orchestration import pipeline_pb2

    strategy = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED
    node = importer("one")
    node.node_execution_options = utils.NodeExecutionOptions(
        trigger_strategy=strategy, success_optional=True
    )
    found = refused([node], tmp_path)
    assert "one: has the trigger strategy ALL_UPSTREAM_NODES_COMPLETED" in found
    assert "one: has success_optional" in found


def test_a_container_where_there_is_no_docker(tmp_path, monkeypatch):
    from tfx import v1 as tfx

    from tfx_pipeline.compiler import support_check

    make = tfx.dsl.experimental.create_container_component
    node = make(name="Echo", image="alpine", command=["echo", "hello"])()
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(support_check, "DOCKER_SOCKET", str(tmp_path / "none"))
    assert "Echo: runs a container, and there is no Docker here" in refused([node], tmp_path)


def test_an_infra_validator_where_there_is_no_docker(tmp_path, monkeypatch, importer):
    from tfx import v1 as tfx

    from tfx_pipeline.compiler import support_check

    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(support_check, "DOCKER_SOCKET", str(tmp_path / "none"))
    model = importer("model")
    serving = tfx.proto.ServingSpec(
        tensorflow_serving=tfx.proto.TensorFlowServing(tags=["latest"]),
        local_docker=tfx.proto.LocalDockerConfig(),
    )
    node = tfx.components.InfraValidator(model=model.outputs["result"], serving_spec=serving)
    found = refused([model, node], tmp_path)
    assert "InfraValidator: starts a model server in Docker" in found
    assert "ExportCheck" in found


def test_an_executor_that_cannot_be_imported(tmp_path, importer, monkeypatch):
    from tfx_pipeline.components.pusher import executor
    from tfx_pipeline.components.pusher.component import Pusher

    monkeypatch.setattr(executor.Executor, "__module__", "a_module_that_is_gone")
    model = importer("model")
    node = Pusher(
        model=model.outputs["result"],
        push_destination=_destination(tmp_path),
    )
    found = refused([model, node], tmp_path)
    assert "pipeline 'flow': cannot be compiled: ModuleNotFoundError" in found
    assert "No module named 'a_module_that_is_gone'" in found


def _destination(folder):
    from tfx import v1 as tfx

    filesystem = tfx.proto.PushDestination.Filesystem(base_directory=str(folder))
    return tfx.proto.PushDestination(filesystem=filesystem)


def test_something_that_is_no_pipeline():
    with pytest.raises(errors.ConfigError, match=r"a Config or a tfx\.dsl\.Pipeline, found dict"):
        LocalRunner({"name": "x"})


def test_a_pipeline_without_a_root_or_with_a_password(importer):
    from ml_metadata.proto import metadata_store_pb2
    from tfx import v1 as tfx

    with pytest.raises(errors.ConfigError, match="pipeline_root: is missing"):
        LocalRunner(tfx.dsl.Pipeline("flow", components=[importer("one")]))
    connection = metadata_store_pb2.ConnectionConfig()
    connection.mysql.password = "secret"
    pipeline = tfx.dsl.Pipeline("flow", "root", metadata_connection_config=connection)
    with pytest.raises(errors.ConfigError, match="TFX_PIPELINE_METADATA_PASSWORD"):
        LocalRunner(pipeline)
