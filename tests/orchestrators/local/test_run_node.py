"""`LocalRunner.run_node`: single nodes, one after the other, as in a notebook."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.own_pipelines import COMPONENTS
from tests.projects import REPOSITORY, environment, make_project
from tfx_pipeline import LocalRunner, errors
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.user_code import code_digest, finder

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

FLOW = f"""{COMPONENTS}
import json
import tfx_pipeline

def runner(value=5):
    number = Number(value=value)
    nodes = [number, Double(number=number.outputs["number"])]
    pipeline = tfx.dsl.Pipeline("flow", "out", components=nodes, enable_cache=True)
    return tfx_pipeline.LocalRunner(pipeline)

def states(runner):
    nodes = json.loads(runner.files.run_json.read_text())["nodes"]
    print(runner.run_id, [node["state"] for node in nodes.values()], flush=True)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project; this process has looked at another one, with the same names of modules."""
    before = [*sys.path]
    finder.add_to_import_path(REPOSITORY)
    assert code_digest.code_digests("modules.preprocessing.preprocessing_fn")
    yield make_project(tmp_path_factory.mktemp("single") / "taxi")
    sys.path[:] = before
    finder.forget_places()


@pytest.fixture
def runner(project):
    file = str(project.folder / "pipeline.yaml")
    return LocalRunner(load_config(file, root=str(project.folder / "build")))


def executed(runner):
    """The nodes of the run by state."""
    nodes = json.loads(runner.files.run_json.read_text())["nodes"]
    result: dict[str, set[str]] = {}
    for name, node in nodes.items():
        result.setdefault(node["state"], set()).add(name)
    return result


def test_one_run_grows_and_a_change_executes_what_it_concerns(project, tmp_path):
    config = load_config(str(project.folder / "pipeline.yaml"), root=str(tmp_path))
    runner = LocalRunner(config)  # no other test has filled the cache of this root
    statistics = runner.run_node("StatisticsGen")
    first = runner.run_id
    assert executed(runner)["complete"] == {"ExampleGen", "StatisticsGen"}
    assert 'class="card feature"' in statistics.artifacts["statistics"]._repr_html_()
    runner.run_node("SchemaGen")
    assert runner.run_id == first
    assert executed(runner)["complete"] == {"ExampleGen", "StatisticsGen", "SchemaGen"}
    again = runner.run_node("StatisticsGen")
    assert again == statistics
    assert again.log is not None
    assert runner.run_id == first

    transform = runner.run_node("Transform")
    assert runner.run_id == first
    module = project.modules / "preprocessing.py"
    module.write_text(module.read_text() + "\nANOTHER = 1\n")
    anew = runner.run_node("Transform")
    assert runner.run_id != first
    assert (anew.state, anew.reason) == ("complete", "code of modules.preprocessing")
    assert anew.outputs != transform.outputs
    assert executed(runner)["cached"] >= {"ExampleGen", "StatisticsGen"}
    assert executed(runner)["complete"] <= {"Transform", "ImportSchemaGen", "BaselineResolver"}

    second = runner.run_id
    lines = project.data.read_text().splitlines(keepends=True)
    project.data.write_text("".join(lines[:-5]))
    assert runner.run_node("ExampleGen").state == "complete"
    assert runner.run_id != second
    third = runner.run_id
    assert runner.run_node("ExampleGen", again=True).state == "cached"
    assert runner.run_id != third


def test_after_a_failure_the_same_run_continues(project, runner):
    module = project.modules / "preprocessing.py"
    text = module.read_text()
    module.write_text(text + "\nraise ValueError('not yet')\n")
    with pytest.raises(errors.NodeError, match=r"Transform: .*not yet.*log: "):
        runner.run_node("Transform")
    with pytest.raises(errors.NodeError, match=r"Trainer did not run. Transform: .*not yet"):
        runner.run_node("Trainer")
    failed = runner.run_id
    module.write_text(text)
    assert runner.run_node("Transform").error is None
    assert runner.run_id == failed


def test_a_gate_that_refuses_raises_with_its_findings(project, runner):
    schema = project.folder / "schema" / "taxi.pbtxt"
    text = schema.read_text()
    schema.write_text(text.replace('value: "Cash"', 'value: "Gold"'))
    with pytest.raises(errors.Refused, match="payment_type") as refused:
        runner.run_node("Transform")
    schema.write_text(text)
    assert "payment_type" in {finding.subject for finding in refused.value.findings}
    assert str(refused.value).startswith("Transform did not run. DataGate: ")


def test_a_node_that_does_not_exist_is_named(runner):
    for _ in range(2):
        with pytest.raises(errors.ConfigError, match=r"Transfrom: .*Did you mean 'Transform'"):
            runner.run_node("Transfrom")
    assert runner.run_node("ExampleGen").error is None


def test_a_later_kernel_continues_the_run(project, runner):
    runner.run_node("ExampleGen")
    file = str(project.folder / "pipeline.yaml")
    config = load_config(file, root=str(project.folder / "build"))
    later = LocalRunner(config, resume=runner.run_id)
    later.run_node("StatisticsGen")
    assert later.run_id == runner.run_id
    ended = executed(later)
    assert ended.get("complete", set()) | ended.get("cached", set()) == {
        "ExampleGen",
        "StatisticsGen",
    }


def test_a_pipeline_object_in_a_thread_beside_an_event_loop(tmp_path):
    (tmp_path / "flow.py").write_text(FLOW)
    code = """
import asyncio, threading
from flow import runner, states

async def cells():
    one = runner()
    await asyncio.to_thread(one.run_node, "Number")
    states(one)
    print(one.run_node("Double").state)
    states(one)
    other = runner(6)
    print(other.run_node("Double").state)
    states(other)

asyncio.run(cells())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    ids = [line.split()[0] for line in (lines[0], lines[2], lines[4])]
    assert ids[0] == ids[1] != ids[2]
    assert [line.partition(" ")[2] for line in (lines[0], lines[2], lines[4])] == [
        "['complete', 'skipped']",
        "['complete', 'complete']",
        "['complete', 'complete']",
    ]
