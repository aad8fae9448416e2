"""Trainer: what run_fn is given, and what is said when it fails."""

from __future__ import annotations

import json
import pathlib

import pytest

from tfx_pipeline import errors
from tfx_pipeline.user_code.loader import LoadError

pytestmark = pytest.mark.tensorflow

HERE = "tests.components.user_functions"


def artifact(kind, uri):
    from tfx.types import standard_artifacts

    result = getattr(standard_artifacts, kind)()
    result.uri = str(uri)
    pathlib.Path(uri).mkdir(parents=True, exist_ok=True)
    return result


def train(folder, run_fn, **parameters):
    """Runs the executor as the launcher does; returns its output and the model's folder."""
    from tfx import types
    from tfx.types import standard_artifacts

    from tfx_pipeline.components.trainer import component as trainer
    from tfx_pipeline.components.trainer import executor

    config = {"a": 1, "training": {"seed": 2}}
    values = {"steps": 7, "batch_size": 3, "learning_rate": 0.5, "custom_config": config}
    values |= parameters
    names = {"examples": "Examples", "transform_graph": "TransformGraph", "schema": "Schema"}
    channels = {
        key: types.Channel(type=getattr(standard_artifacts, name)) for key, name in names.items()
    }
    node = trainer.Trainer(**channels, run_fn=run_fn, **values)
    examples = artifact("Examples", folder / "examples")
    examples.split_names = '["train", "eval"]'
    schema = artifact("Schema", folder / "schema")
    pathlib.Path(schema.uri, "schema.pbtxt").write_text("")
    inputs = {
        "examples": [examples],
        "transform_graph": [artifact("TransformGraph", folder / "graph")],
        "schema": [schema],
    }
    outputs = {
        "model": [artifact("Model", folder / "model")],
        "model_run": [artifact("ModelRun", folder / "model_run")],
    }
    output = executor.Executor().Do(inputs, outputs, dict(node.spec.exec_properties))
    return output, folder / "model"


def test_run_fn_gets_parameters_files_and_folders(tmp_path):
    output, model = train(tmp_path, f"{HERE}.run_fn")
    assert output is None
    given = json.loads((model / "Format-Serving" / "given.json").read_text())
    training = {"seed": 2, "steps": 7, "batch_size": 3, "learning_rate": 0.5}
    assert given["custom_config"] == {"a": 1, "training": training}
    assert given["train_steps"] == 7
    assert given["train_files"] == [str(tmp_path / "examples" / "Split-train" / "*")]
    assert given["eval_files"] == [str(tmp_path / "examples" / "Split-eval" / "*")]
    assert given["schema_path"] == str(tmp_path / "schema" / "schema.pbtxt")
    assert given["transform_graph_path"] == str(tmp_path / "graph")
    assert given["model_run_dir"] == str(tmp_path / "model_run")


def test_a_parameter_of_0_is_no_value(tmp_path):
    """`training.effort` chooses it then."""
    _, model = train(tmp_path, f"{HERE}.run_fn", steps=0, batch_size=0, learning_rate=0.0)
    given = json.loads((model / "Format-Serving" / "given.json").read_text())
    training = given["custom_config"]["training"]
    assert training == {"seed": 2, "steps": None, "batch_size": None, "learning_rate": None}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_module.run_fn", "module 'no_such_module' cannot be imported: ModuleNotFound"),
        (
            "tests.components.trainer.broken_module.run_fn",
            "No module named 'a_module_that_is_not_there'",
        ),
        (f"{HERE}.run_f", "has no function or class 'run_f'. Did you mean 'run_fn'"),
    ],
)
def test_a_broken_module_is_named(tmp_path, path, message):
    with pytest.raises(LoadError) as caught:
        train(tmp_path, path)
    assert message in str(caught.value)
    assert path in str(caught.value)


def test_a_function_that_saves_no_model_is_named(tmp_path):
    path = f"{HERE}.forgetful_run_fn"
    with pytest.raises(errors.NodeError, match=f"{path} returned without saving a model at"):
        train(tmp_path, path)


def test_an_error_in_the_users_code_keeps_its_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError, match="in the user's code") as caught:
        train(tmp_path, f"{HERE}.failing_run_fn")
    assert caught.traceback[-1].name == "failing_run_fn"


def test_a_refusal_in_the_users_code_is_a_refusal(tmp_path):
    output, _ = train(tmp_path, f"{HERE}.refusing_run_fn")
    assert output.execution_result.code == 103


def test_parameters_can_be_runtime_parameters(tmp_path):
    from tfx import types
    from tfx.orchestration.data_types import RuntimeParameter
    from tfx.types import standard_artifacts

    from tfx_pipeline.components import Trainer

    node = Trainer(
        examples=types.Channel(type=standard_artifacts.Examples),
        transform_graph=types.Channel(type=standard_artifacts.TransformGraph),
        schema=types.Channel(type=standard_artifacts.Schema),
        run_fn="a.b",
        custom_config={},
        steps=RuntimeParameter("steps", int, 5),
        batch_size=RuntimeParameter("batch_size", int, 5),
        learning_rate=RuntimeParameter("learning_rate", float, 0.1),
    )
    assert set(node.outputs) == {"model", "model_run"}
