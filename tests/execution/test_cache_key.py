"""Which code belongs to a node."""

from __future__ import annotations

import json

import pytest

from tfx_pipeline.execution import cache_key

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A package of a project."""
    (tmp_path / "shop_of_key").mkdir()
    for name in ("trainer", "losses", "treatments", "metrics"):
        (tmp_path / "shop_of_key" / f"{name}.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def paths(**parameters):
    from tfx.proto.orchestration import local_deployment_config_pb2, pipeline_pb2

    node = pipeline_pb2.PipelineNode()
    node.node_info.id = "Trainer"
    for key, value in parameters.items():
        node.parameters.parameters[key].field_value.string_value = value
    deployment = local_deployment_config_pb2.LocalDeploymentConfig()
    spec = deployment.executor_specs["Trainer"]
    spec.python_class_executable_spec.class_path = "tfx.components.trainer.executor.Executor"
    cache_key.complete_key(node, deployment, cache_key.code_paths(node, deployment))
    found = json.loads(node.parameters.parameters["code_digest"].field_value.string_value)
    return cache_key.code_paths(node, deployment), found


def test_functions_and_classes_in_parameters_count(shop):
    config = {
        "features": {
            "price": {"transform": "log"},
            "size": {"transform": "shop_of_key.treatments.Spline", "knots": 5},
        },
        "loss": {"name": "shop_of_key.losses.focal"},
    }
    found, digests = paths(
        run_fn="shop_of_key.trainer.run_fn",
        custom_config=json.dumps(config),
        eval_config='{"metrics": [{"class_name": "M", "module": "shop_of_key.metrics"}]}',
    )
    assert found == [
        "tfx.components.trainer.executor.Executor",
        "shop_of_key.treatments.Spline",
        "shop_of_key.losses.focal",
        "tfx_pipeline.modeling.numeric.Log",
        "shop_of_key.metrics",
        "shop_of_key.trainer.run_fn",
    ]
    names = ("trainer", "losses", "treatments", "metrics")
    assert {f"shop_of_key.{name}" for name in names} <= digests.keys()
    assert "tfx_pipeline.modeling.numeric" in digests
    assert digests["tensorflow"].count(".") == 2, "the versions of libraries count"
    assert not any(name.startswith("tfx.") for name in digests)


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", '{"features": 1}', '{"features": {"a": 1}}', "data/rows.csv", "a.b"]
)
def test_other_texts_name_no_code(text):
    found, _ = paths(custom_config=text)
    assert found == ["tfx.components.trainer.executor.Executor"]


def test_a_push_whose_folder_was_deleted_is_not_taken_from_the_cache(tmp_path):
    """Pushes of this pipeline only, and only when the node pushes."""
    from ml_metadata.proto import metadata_store_pb2 as pb
    from tfx.proto.orchestration import pipeline_pb2

    from tests.metadata.test_database import push, record_execution
    from tfx_pipeline.metadata import database
    from tfx_pipeline.metadata.history import History

    store = database.open_store(database.connection_config("sqlite", tmp_path / "metadata.db"))
    (tmp_path / "models" / "1").mkdir(parents=True)
    for version, folder in [(1, "models"), (2, "models"), (1, "nowhere")]:
        made = push(version, f"{tmp_path}/{folder}")
        record_execution(store, "Pusher", "r1", pb.Execution.COMPLETE, artifacts=made)
    made = push(2, f"{tmp_path}/models")
    record_execution(store, "Pusher", "r9", pb.Execution.COMPLETE, artifacts=made, pipeline="shop")

    def forgotten(output_type):
        node = pipeline_pb2.PipelineNode()
        node.outputs.outputs["out"].artifact_spec.type.name = output_type
        cache_key.forget_vanished_pushes(History(store, "taxi"), node)
        found = sorted(store.get_artifacts_by_type("PushedModel"), key=lambda a: a.id)
        return [artifact.state == pb.Artifact.DELETED for artifact in found]

    assert forgotten("Model") == [False] * 4
    assert forgotten("PushedModel") == [False, True, True, False]
