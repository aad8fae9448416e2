"""Runtime parameters: every default reaches the node, and none is lost inside a value."""

from __future__ import annotations

import importlib
import sys

import pytest

from tfx_pipeline import errors
from tfx_pipeline.orchestrators.local.runner import LocalRunner

pytestmark = pytest.mark.tensorflow

FLOW = """
from typing import Dict, List

from tfx import v1 as tfx
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.data_types import RuntimeParameter

Parameter = tfx.dsl.components.Parameter


@component
def Show(count: Parameter[int], ratio: Parameter[float], text: Parameter[str]):
    print("found", repr((count, ratio, text)))


@component
def Nested(table: Parameter[Dict[str, int]], items: Parameter[List[int]]):
    pass


def pipeline(root, *nodes):
    return tfx.dsl.Pipeline("flow", str(root), components=list(nodes))


def show(**values):
    return Show(
        count=values.get("count", RuntimeParameter("count", int, default=0)),
        ratio=RuntimeParameter("ratio", float, default=values.get("ratio", 0.0)),
        text=RuntimeParameter("text", str, default=""),
    )
"""


@pytest.fixture
def flow(tmp_path, monkeypatch):
    """The module above."""
    name = "flow_of_runtime_parameters"
    (tmp_path / f"{name}.py").write_text(FLOW)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(name)
    del sys.modules[name]


@pytest.fixture
def compiled(tmp_path, flow):
    """Compiles a pipeline of these nodes."""
    from tfx_pipeline.compiler import own_pipeline
    from tfx_pipeline.compiler.compiler import compile_object

    def run(*nodes):
        pipeline = flow.pipeline(tmp_path / "root", *nodes)
        return compile_object(pipeline, own_pipeline.config_of(pipeline))

    return run


def problems(compiled, *nodes):
    with pytest.raises(errors.ConfigError) as caught:
        compiled(*nodes)
    return [f"{problem.where}: {problem.message}" for problem in caught.value.problems]


def test_defaults_of_zero_and_an_empty_text_are_in_the_manifest(compiled, flow):
    defaults = {n: p.default for n, p in compiled(flow.show()).manifest.parameters.items()}
    assert defaults == {"count": 0, "ratio": 0.0, "text": ""}
    assert type(defaults["ratio"]) is float


def test_the_default_of_a_float_can_be_written_as_an_integer(compiled, flow):
    default = compiled(flow.show(ratio=0)).manifest.parameters["ratio"].default
    assert (default, type(default)) == (0.0, float)


def test_no_default_stays_none(compiled, flow):
    count = flow.RuntimeParameter("count", int)
    assert compiled(flow.show(count=count)).manifest.parameters["count"].default is None


@pytest.mark.e2e
def test_the_defaults_reach_the_code(flow, tmp_path):
    # The log has what the node prints, although pytest has replaced this process's streams.
    run = LocalRunner(flow.pipeline(tmp_path / "root", flow.show())).run()
    assert run.state == "complete"
    (log,) = (tmp_path / "root").rglob("Show.log")
    assert "found (0, 0.0, '')" in log.read_text()


def test_one_inside_a_dict_or_list_is_refused(compiled, flow):
    inner = flow.RuntimeParameter("batch_size", int, default=32)
    nested = flow.Nested(table={"a": inner}, items=[1, inner])
    message = "has the RuntimeParameter 'batch_size' inside a dict or list"
    assert problems(compiled, nested) == [f"Nested.table: {message}", f"Nested.items: {message}"]


def test_one_inside_a_message_given_as_a_dict_is_refused(compiled, flow):
    inner = flow.RuntimeParameter("pattern", str, default="*.csv")
    config = {"splits": [{"name": "one", "pattern": inner}]}
    gen = flow.tfx.components.CsvExampleGen("data", input_config=config)
    assert problems(compiled, gen) == [
        "CsvExampleGen.input_config: has the RuntimeParameter 'pattern' inside a dict or list"
    ]


def test_one_inside_the_trainers_custom_config_is_refused(compiled, flow):
    inner = flow.RuntimeParameter("depth", int, default=3)
    gen = flow.tfx.components.CsvExampleGen("data")
    trainer = flow.tfx.components.Trainer(
        run_fn="x.run_fn", examples=gen.outputs["examples"], custom_config={"depth": inner}
    )
    assert problems(compiled, gen, trainer) == [
        "Trainer.custom_config: has the RuntimeParameter 'depth' inside a dict or list"
    ]


def test_two_of_one_name_with_different_defaults_are_refused(compiled, flow):
    other = flow.show(count=flow.RuntimeParameter("count", int, default=5)).with_id("Other")
    assert problems(compiled, flow.show(), other) == [
        "Show.count: has another type or default than RuntimeParameter 'count' of Other.count"
    ]
