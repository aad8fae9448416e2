"""From a manifest and the section to steps."""

from __future__ import annotations

import pytest

from tests.orchestrators.kubeflow import plans
from tfx_pipeline import errors
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.ir.manifest import Manifest, Node, Parameter
from tfx_pipeline.orchestrators.kubeflow.plan import make_plan, parameter_name, step_name


def manifest(*nodes: str, **parameters: Parameter) -> Manifest:
    command = (
        "python",
        "-m",
        "tfx_pipeline.node",
        "--pipeline",
        "{pipeline}",
        "--run-id",
        "{run_id}",
    )
    return plans.manifest().model_copy(
        update={
            "nodes": tuple(Node(id=node, type="t", command=command) for node in nodes),
            "parameters": parameters,
        }
    )


def plan(held: Manifest, **section):
    return make_plan(held, Kubeflow.model_validate(section), plans.IMAGE, plans.SOURCE)


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("ExampleGen", "example-gen"),
        ("CsvExampleGen2", "csv-example-gen2"),
        ("MLPTrainer", "mlp-trainer"),
        ("latest_blessed.model", "latest-blessed-model"),
        ("X" * 80, "x" * 63),
    ],
)
def test_nodes_get_names_that_argo_takes(node, name):
    assert step_name(node) == name


def test_parameters_get_names_that_kubeflow_takes():
    assert parameter_name("training.steps") == "training_steps"
    assert parameter_name("2nd") == "_2nd"
    held = manifest("A", **{"training.steps": Parameter(type="int", default=5, nodes=("A",))})
    step = plan(held).steps[0]
    # The node command knows the parameter by TFX's name.
    assert step.arguments[-1][0] == "training.steps="
    assert step.arguments[-1][1].value == "training_steps"


def test_two_nodes_may_not_get_the_same_name():
    with pytest.raises(errors.ConfigError, match="'my-node' as My_Node"):
        plan(manifest("My_Node", "MyNode"))


def test_a_node_may_not_be_called_as_the_exit_handler():
    with pytest.raises(errors.ConfigError, match="the exit handler"):
        plan(manifest("ExitHandler"))


def test_a_node_may_not_be_called_as_the_step_of_the_report():
    with pytest.raises(errors.ConfigError, match="the step that writes the report"):
        plan(manifest("RunReport"))
    assert plan(manifest("RunReport").model_copy(update={"report": ()})).report_step is None


def test_the_report_is_written_in_a_small_container():
    step = plans.everything().report_step
    assert (step.resources.gpu, step.retries) == (None, None)
    assert step.resources.memory.limit == "4Gi"
    assert step.timeout == 7200


def test_a_node_of_the_section_must_be_there():
    with pytest.raises(errors.ConfigError, match=r"kubeflow\.nodes\.Trianer.*mean 'Trainer'\?"):
        plan(plans.manifest(), nodes={"Trianer": {"timeout": "1h"}})


def test_a_parameter_of_the_schedule_must_be_there():
    schedule = {"cron": "0 6 * * *", "parameters": {"stepz": 5}}
    with pytest.raises(errors.ConfigError, match=r"parameters\.stepz.*mean 'steps'\?"):
        plan(plans.manifest(), schedule=schedule)


def test_the_exit_handler_gets_the_run_and_its_status():
    handler = plans.everything().exit_step
    texts = [piece if isinstance(piece, str) else piece.value for piece in handler.arguments[1]]
    assert texts == ['{"run": "', "pipeline_run_id", '", "status": ', "final_status", "}"]
