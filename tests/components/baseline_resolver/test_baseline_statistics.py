"""Which data a run is compared with, through real ML Metadata."""

from __future__ import annotations

import itertools
import pathlib
import shutil

import pytest
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tests.components.baseline_resolver import launching
from tests.components.baseline_resolver.test_baseline_resolver import Check, Gate, Trainer
from tfx_pipeline.components.baseline_resolver.statistics import BaselineStatistics

pytestmark = pytest.mark.tensorflow


class DataSpec(ComponentSpec):
    PARAMETERS = {"rows": ExecutionParameter(type=int)}
    INPUTS = {}
    OUTPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
    }


class DataExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        for (artifact,) in output_dict.values():
            pathlib.Path(artifact.uri).mkdir(parents=True, exist_ok=True)


class Data(base_component.BaseComponent):
    """A node that makes the data and its statistics."""

    SPEC_CLASS = DataSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(DataExecutor)

    def __init__(self, rows: int):
        outputs = {
            "examples": Channel(type=standard_artifacts.Examples),
            "statistics": Channel(type=standard_artifacts.ExampleStatistics),
        }
        super().__init__(DataSpec(rows=rows, **outputs))


KINDS = ("statistics", "examples")


@pytest.fixture
def run(tmp_path):
    """Runs the nodes with TFX's launcher; returns the URIs of the own data and of what is found."""
    connection = launching.database(tmp_path)
    count = itertools.count()

    def launch(rows, steps=None, bless=1, check="blessed", asks_for=KINDS, name="p"):
        data = Data(rows).with_id("Data")
        other = Data(rows + 1000).with_id("Other")  # its data is never the answer
        earlier = BaselineStatistics(**{key: data.outputs[key] for key in asks_for})
        earlier = earlier.with_id("BaselineStatistics")
        trainer = Trainer(steps or rows).with_id("Trainer")
        model = trainer.outputs["model"]
        gates = [
            Gate(model, None, bless).with_id("Evaluator"),
            Check(model, check).with_id("Check"),
        ]
        components = [other, data, earlier, trainer, *gates]
        run_id = f"run-{next(count)}"
        _, infos = launching.run(name, tmp_path / "root", components, connection, run_id)
        outputs = {node: info.output_dict for node, info in infos.items()}
        own = {key: outputs["Data"][key][0].uri for key in asks_for}
        found = outputs["BaselineStatistics"]
        assert set(found) == set(asks_for)
        return own, {key: [a.uri for a in artifacts] for key, artifacts in found.items()}

    return launch


def only(uris):
    return {key: [uri] for key, uri in uris.items()}


NOTHING = {"statistics": [], "examples": []}


def test_the_data_of_the_last_blessed_model(run):
    first, found = run(1)
    assert found == NOTHING
    second, found = run(2)
    assert found == only(first)
    _, found = run(3, bless=0)
    assert found == only(second)
    _, found = run(4, check="refused")
    assert found == only(second)
    _, found = run(5)
    assert found == only(second)


def test_data_from_the_cache_counts_for_the_run_that_used_it(run):
    first, _ = run(1)
    run(2)
    run(1, steps=3)
    assert run(4)[1] == only(first)


def test_data_whose_files_are_gone_is_not_compared(run):
    first, _ = run(1)
    shutil.rmtree(first["examples"])
    assert run(2)[1] == {"statistics": [first["statistics"]], "examples": []}


def test_only_the_statistics_are_asked_for(run):
    first, _ = run(1, asks_for=["statistics"])
    assert run(2, asks_for=["statistics"])[1] == only(first)


def test_data_of_other_pipelines_is_not_compared(run):
    run(1, name="other")
    assert run(2)[1] == NOTHING
