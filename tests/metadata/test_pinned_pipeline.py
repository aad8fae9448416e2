"""A run keeps the pipeline that it started with."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tfx.proto.orchestration import pipeline_pb2

from tests.projects import REPOSITORY
from tfx_pipeline.metadata import database, pinned_pipeline
from tfx_pipeline.metadata.history import History

RACE = """
import sys
from tfx.proto.orchestration import pipeline_pb2
from tfx_pipeline.metadata import database, pinned_pipeline
from tfx_pipeline.metadata.history import History
store = database.open_store(database.connection_config("sqlite", sys.argv[1]))
mine = pipeline_pb2.Pipeline(pipeline_info=pipeline_pb2.PipelineInfo(id=sys.argv[2]))
sys.stdin.readline()
print(pinned_pipeline.pipeline_of_run(History(store, "shop"), "run", mine).pipeline_info.id)
"""


@pytest.fixture
def history(tmp_path):
    store = database.open_store(database.connection_config("sqlite", tmp_path / "metadata.db"))
    return History(store, "shop")


def pipeline(name: str) -> pipeline_pb2.Pipeline:
    return pipeline_pb2.Pipeline(pipeline_info=pipeline_pb2.PipelineInfo(id=name))


def test_the_first_pipeline_of_a_run_stays(history, capsys):
    assert pinned_pipeline.pipeline_of_run(history, "run", pipeline("first")) == pipeline("first")
    assert capsys.readouterr().err == ""
    assert pinned_pipeline.pipeline_of_run(history, "run", pipeline("second")) == pipeline("first")
    assert "run continues with the pipeline it started with" in capsys.readouterr().err


def test_a_node_that_was_added_since():
    old, new = with_nodes("A"), with_nodes("A", "B")
    assert pinned_pipeline.is_added_since("B", old, new)
    assert not pinned_pipeline.is_added_since("A", old, new)
    assert not pinned_pipeline.is_added_since("C", old, new)


def with_nodes(*names: str) -> pipeline_pb2.Pipeline:
    result = pipeline_pb2.Pipeline()
    for name in names:
        result.nodes.add().pipeline_node.node_info.id = name
    return result


def test_another_run_has_its_own(history):
    pinned_pipeline.pipeline_of_run(history, "run", pipeline("first"))
    assert pinned_pipeline.pipeline_of_run(history, "other", pipeline("second")) == pipeline(
        "second"
    )


def test_the_runs_of_the_pipeline_stay_the_same(history):
    pinned_pipeline.pipeline_of_run(history, "run", pipeline("first"))
    assert history.run_ids() == []


def test_first_nodes_that_begin_together_agree(tmp_path):
    command = [sys.executable, "-c", RACE, tmp_path / "metadata.db"]
    racers = [
        subprocess.Popen(
            [*command, f"racer{number}"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for number in range(4)
    ]
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = {racer.communicate()[0].strip() for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert len(answers) == 1
