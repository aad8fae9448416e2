"""Examples and models for the tests of the Evaluator."""

from __future__ import annotations

import pytest
from tfx.types import channel_utils, standard_artifacts

from tests.components import harness
from tests.components.evaluator.evaluating import ROWS
from tests.components.executing import AsNode
from tfx_pipeline.components.evaluator import component as evaluator
from tfx_pipeline.components.evaluator import executor
from tfx_pipeline.metadata import node_record


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluator")


@pytest.fixture(scope="module")
def examples(folder):
    return harness.examples(folder / "examples", ROWS)


@pytest.fixture(scope="module")
def model(folder):
    return harness.save(folder / "model", harness.Scoring(), 1)


@pytest.fixture(scope="module")
def constant_model(folder):
    half = harness.Scoring(lambda raw: 0.0 * harness.clean(raw["miles"]) + 0.5)
    return harness.save(folder / "constant", half, 2)


@pytest.fixture
def evaluate(tmp_path, examples):
    def run(
        model,
        metrics,
        baseline=(),
        slices=(),
        task="binary",
        data=examples,
        label="big",
        weight=None,
    ):
        component = evaluator.Evaluator(
            channel_utils.as_channel([data]),
            channel_utils.as_channel([model]),
            label=label,
            task=task,
            metrics=metrics,
            slices=slices,
            weight=weight,
        )
        evaluation = harness.artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
        blessing = harness.artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        output = AsNode(executor.Executor).Do(
            {"examples": [data], "model": [model], "baseline_model": list(baseline)},
            {"evaluation": [evaluation], "blessing": [blessing]},
            dict(component.exec_properties),
        )
        if output is not None:
            assert output.execution_result.code in (0, node_record.REFUSED_CODE)
            run.notes.append(output.execution_result.result_message)
            if output.execution_result.code:
                return output.execution_result.result_message, None
        return (
            harness.published(output, evaluation, "evaluation"),
            harness.published(output, blessing, "blessing"),
        )

    run.notes = []
    return run
