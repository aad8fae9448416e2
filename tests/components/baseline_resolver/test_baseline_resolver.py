"""Which model a new one is compared with, through real ML Metadata."""

from __future__ import annotations

import dataclasses
import pathlib

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tests.components.baseline_resolver import launching
from tfx_pipeline.components.baseline_resolver import component as baseline

pytestmark = pytest.mark.tensorflow


class TrainerSpec(ComponentSpec):
    PARAMETERS = {"steps": ExecutionParameter(type=int)}
    INPUTS = {}
    OUTPUTS = {"model": ChannelParameter(type=standard_artifacts.Model)}


class TrainerExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        pathlib.Path(output_dict["model"][0].uri).mkdir(parents=True, exist_ok=True)


class Trainer(base_component.BaseComponent):
    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TrainerExecutor)

    def __init__(self, steps: int):
        super().__init__(TrainerSpec(steps=steps, model=Channel(type=standard_artifacts.Model)))


class GateSpec(ComponentSpec):
    PARAMETERS = {"bless": ExecutionParameter(type=int)}
    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.ModelBlessing)}


class GateExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        (blessing,) = output_dict["blessing"]
        blessing.set_int_custom_property("blessed", exec_properties["bless"])
        blessing.set_int_custom_property("current_model_id", input_dict["model"][0].id)


class Gate(base_component.BaseComponent):
    SPEC_CLASS = GateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(GateExecutor)

    def __init__(self, model, baseline_model, bless: int):
        blessing = Channel(type=standard_artifacts.ModelBlessing)
        super().__init__(
            GateSpec(model=model, baseline_model=baseline_model, bless=bless, blessing=blessing)
        )


class CheckSpec(ComponentSpec):
    PARAMETERS = {"verdict": ExecutionParameter(type=str)}
    INPUTS = {"model": ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}


class CheckExecutor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        verdict = exec_properties["verdict"]
        (blessing,) = output_dict["blessing"]
        blessing.set_int_custom_property("blessed", 0 if verdict == "refused" else 1)
        if verdict == "of another model":
            blessing.set_int_custom_property("current_model_id", 987654)
        elif verdict != "names no model":
            blessing.set_int_custom_property("current_model_id", input_dict["model"][0].id)


class Check(base_component.BaseComponent):
    SPEC_CLASS = CheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(CheckExecutor)

    def __init__(self, model, verdict: str):
        blessing = Channel(type=standard_artifacts.InfraBlessing)
        super().__init__(CheckSpec(model=model, verdict=verdict, blessing=blessing))


@dataclasses.dataclass
class Run:
    """What one run resolved."""

    candidate: int
    baseline: int | None
    gate_was_cached: bool
    resolver_keys: set[str]


@pytest.fixture
def run(tmp_path):
    """Runs Trainer, BaselineResolver and both gates with TFX's portable launcher."""
    connection = launching.database(tmp_path)
    count = iter(range(100))

    def launch(steps: int, bless: int = 1, check: str | None = "blessed", name: str = "p") -> Run:
        trainer = Trainer(steps).with_id("Trainer")
        model = trainer.outputs["model"]
        resolver = baseline.BaselineResolver(model=model).with_id("BaselineResolver")
        assert set(resolver.outputs) == {"model", "model_blessing"}
        gate = Gate(model, resolver.outputs["model"], bless).with_id("Evaluator")
        checks = [Check(model, check).with_id("ExportCheck")] if check else []
        components = [gate, resolver, trainer, *checks]
        run_id = f"run-{next(count)}"
        nodes, infos = launching.run(name, tmp_path / "root", components, connection, run_id)
        assert "Trainer" in nodes["BaselineResolver"].upstream_nodes
        resolved = infos["BaselineResolver"].output_dict
        store = ml_metadata.MetadataStore(connection)
        execution = store.get_executions_by_id([infos["Evaluator"].execution_id])[0]
        return Run(
            candidate=store_candidate(store, execution.id),
            baseline=resolved["model"][0].id if resolved["model"] else None,
            gate_was_cached=execution.last_known_state == metadata_store_pb2.Execution.CACHED,
            resolver_keys=set(resolved),
        )

    return launch


def store_candidate(store: ml_metadata.MetadataStore, execution: int) -> int:
    events = store.get_events_by_execution_ids([execution])
    (event,) = [e for e in events if e.path.steps and e.path.steps[0].key == "model"]
    return event.artifact_id


def test_a_first_run_has_no_baseline(run):
    first = run(steps=1)
    assert first.baseline is None
    assert first.resolver_keys == {"model", "model_blessing"}


def test_an_unchanged_run_resolves_the_same_and_is_cached(run):
    first = run(steps=1)
    again = run(steps=1)
    assert (again.candidate, again.baseline) == (first.candidate, None)
    assert again.gate_was_cached
    second = run(steps=2)
    assert second.baseline == first.candidate
    assert not second.gate_was_cached
    again = run(steps=2)
    assert again.baseline == first.candidate
    assert again.gate_was_cached


def test_a_model_that_was_not_blessed_is_no_baseline(run):
    first = run(steps=1)
    run(steps=2, bless=0)
    assert run(steps=3).baseline == first.candidate


@pytest.mark.parametrize("check", [None, "refused", "of another model"])
def test_a_model_without_the_export_checks_blessing_is_no_baseline(run, check):
    first = run(steps=1)
    run(steps=2, check=check)
    assert run(steps=3).baseline == first.candidate


def test_a_model_that_nobody_checked_is_no_baseline_even_if_it_is_the_only_one(run):
    run(steps=1, check=None)
    assert run(steps=2).baseline is None


def test_a_blessing_that_names_no_model_is_for_the_one_that_was_checked(run):
    """TFX's InfraValidator names none, nor did earlier versions of the export check."""
    first = run(steps=1, check="names no model")
    run(steps=2, check="refused")
    assert run(steps=1, check="names no model").baseline is None  # cached: the same blessing
    assert run(steps=3).baseline == first.candidate


def test_the_last_word_of_the_export_check_counts(run):
    first, second = run(steps=1), run(steps=2)
    run(steps=2, check="refused")
    assert run(steps=3).baseline == first.candidate
    run(steps=2, check="names no model")
    assert run(steps=4).baseline == second.candidate


def test_going_back_to_an_earlier_model_compares_it_with_the_latest_blessed_one(run):
    first, second = run(steps=1), run(steps=2)
    back = run(steps=1)
    assert (back.candidate, back.baseline) == (first.candidate, second.candidate)
    # The earlier model is the one blessed last now.
    assert run(steps=3).baseline == first.candidate


def test_a_model_whose_files_are_gone_is_no_baseline(run, tmp_path):
    first = run(steps=1)
    run(steps=2)
    models = sorted((tmp_path / "root" / "Trainer" / "model").iterdir(), key=lambda p: int(p.name))
    models[-1].rmdir()
    assert run(steps=3).baseline == first.candidate


def test_models_of_other_pipelines_are_no_baselines(run):
    run(steps=1, name="other")
    first = run(steps=2)
    assert first.baseline is None
    run(steps=3, name="other")
    assert run(steps=4).baseline == first.candidate


def test_a_baseline_is_found_behind_many_refused_models(run):
    first = run(steps=1)
    for steps in range(2, 12):
        run(steps=steps, bless=steps % 2, check="refused" if steps % 2 else "names no model")
    assert run(steps=12).baseline == first.candidate
