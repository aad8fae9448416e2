"""ML Metadata is real here: a SQLite file in a temporary folder."""

import json
import os
import subprocess
import sys

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline import errors
from tfx_pipeline.config import metadata_database
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.metadata import database, node_record
from tfx_pipeline.metadata.history import History
from tfx_pipeline.metadata.run_history import Runs
from tfx_pipeline.storage.layout import Layout


@pytest.fixture
def store(tmp_path):
    return database.open_store(database.connection_config("sqlite", tmp_path / "metadata.db"))


@pytest.fixture
def history(store):
    return History(store, "taxi")


def put_type(store, kind, name, properties=()):
    message = {
        "context": pb.ContextType,
        "execution": pb.ExecutionType,
        "artifact": pb.ArtifactType,
    }
    proto = message[kind](name=name, properties=dict.fromkeys(properties, pb.STRING))
    return getattr(store, f"put_{kind}_type")(proto)


def put_context(store, type_name, name):
    context = pb.Context(type_id=put_type(store, "context", type_name), name=name)
    try:
        return store.put_contexts([context])[0]
    except Exception:
        return store.get_context_by_type_and_name(type_name, name).id


def record_execution(
    store, node, run_id, state, result=None, artifacts=(), cached=(), pipeline="taxi"
):
    """Writes what TFX writes: an execution in its contexts, with output artifacts.

    Args:
      artifacts: new ones, as output key, type name, properties.
      cached: those of an earlier execution, by id.
    """
    execution = pb.Execution(
        type_id=put_type(store, "execution", f"t.{node}"), last_known_state=state
    )
    if result:
        execution.custom_properties[node_record.EXECUTION_RESULT].string_value = json.dumps(result)
    contexts = [
        put_context(store, "pipeline", pipeline),
        put_context(store, "pipeline_run", run_id),
        put_context(store, "node", f"{pipeline}.{node}"),
    ]
    parent = pb.ParentContext(child_id=contexts[1], parent_id=contexts[0])
    if not store.get_parent_contexts_by_context(contexts[1]):
        store.put_parent_contexts([parent])
    outputs = []
    for key, type_name, properties in artifacts:
        artifact = pb.Artifact(type_id=put_type(store, "artifact", type_name), uri=f"/x/{key}")
        for name, value in properties.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[name], field, value)
        event = pb.Event(type=pb.Event.OUTPUT)
        event.path.steps.add(key=key)
        outputs.append((artifact, event))
    for artifact in store.get_artifacts_by_id(cached):
        outputs.append((artifact, pb.Event(type=pb.Event.OUTPUT)))
    held = [store.get_contexts_by_id([i])[0] for i in contexts]
    return store.put_execution(execution, outputs, held)[0]


def test_a_complete_node_ended_well(store, history):
    record_execution(
        store, "Trainer", "r1", pb.Execution.COMPLETE, artifacts=[("model", "Model", {})]
    )
    record = history.record("Trainer", "r1")
    assert (record.state, record.exit_code, record.error) == ("complete", 0, None)
    assert record.uris() == {"model": ["/x/model"]}


def test_a_failure_shows_the_exceptions_own_line(store, history):
    text = (
        'Traceback (most recent call last):\n  File "x"\nmodules.a.MyError: no such column: fare\n'
    )
    record_execution(
        store, "Trainer", "r1", pb.Execution.FAILED, {"code": 2, "resultMessage": text}
    )
    record = history.record("Trainer", "r1")
    assert (record.exit_code, record.refused) == (1, False)
    assert record.error == "MyError: no such column: fare"


def test_a_refusal_is_exit_code_3_and_keeps_its_findings(store, history):
    message = node_record.message_to_json("bad data", [errors.Finding("fare", "min 0", "-1")])
    result = {"code": node_record.REFUSED_CODE, "resultMessage": message}
    record_execution(store, "DataGate", "r1", pb.Execution.FAILED, result)
    record = history.record("DataGate", "r1")
    assert (record.exit_code, record.error) == (3, "bad data")
    assert record.findings == (errors.Finding("fare", "min 0", "-1"),)


def test_a_wrong_configuration_is_exit_code_1_and_keeps_all_problems(store, history):
    finding = errors.Finding("features.fare", "configuration", "is not a column")
    message = node_record.message_to_json("the configuration has 2 problems", [finding] * 2)
    result = {"code": node_record.CONFIG_CODE, "resultMessage": message}
    record_execution(store, "Transform", "r1", pb.Execution.FAILED, result)
    record = history.record("Transform", "r1")
    assert (record.exit_code, record.refused) == (1, False)
    assert record.error == "the configuration has 2 problems"
    assert record.findings == (finding, finding)


def test_what_a_node_that_ended_well_says_is_its_note(store, history):
    message = node_record.message_to_json("odd data", [errors.Finding("fare", "min 0", "-1")])
    record_execution(store, "A", "r1", pb.Execution.COMPLETE, {"resultMessage": message})
    record = history.record("A", "r1")
    assert (record.exit_code, record.error, record.note) == (0, None, "odd data")
    assert record.findings == (errors.Finding("fare", "min 0", "-1"),)
    record_execution(store, "B", "r1", pb.Execution.COMPLETE, {"resultMessage": "as others write"})
    assert history.record("B", "r1").note == "as others write"
    after_retry = {"code": 2, "resultMessage": "ValueError: it failed at first"}
    record_execution(store, "C", "r1", pb.Execution.COMPLETE, after_retry)
    assert history.record("C", "r1").note is None


@pytest.mark.parametrize(
    ("type_name", "flag"),
    [("ModelBlessing", "blessed"), ("InfraBlessing", "blessed"), ("PushedModel", "pushed")],
)
@pytest.mark.parametrize("state", [pb.Execution.COMPLETE, pb.Execution.CACHED])
def test_a_gate_that_said_no_refuses_also_when_cached(store, history, type_name, flag, state):
    record_execution(store, "Gate", "r1", state, artifacts=[("out", type_name, {flag: 0})])
    assert history.record("Gate", "r1").exit_code == 3
    record_execution(store, "Gate", "r2", state, artifacts=[("out", type_name, {flag: 1})])
    assert history.record("Gate", "r2").exit_code == 0


def test_runs_are_told_apart(store, history):
    record_execution(store, "Trainer", "r1", pb.Execution.COMPLETE)
    record_execution(store, "Trainer", "r2", pb.Execution.FAILED)
    assert history.run_ids() == ["r1", "r2"]
    assert history.record("Trainer", "r1").state == "complete"
    assert history.record("Trainer", "r2").state == "failed"
    assert history.record("Trainer", "r3") is None
    assert History(store, "other").run_ids() == []


def test_reopen_and_cancel_change_only_what_has_not_ended(store, history):
    record_execution(store, "A", "r1", pb.Execution.FAILED)
    record_execution(store, "B", "r1", pb.Execution.COMPLETE)
    for node in ("A", "B"):
        history.reopen(node, "r1")
    assert history.record("A", "r1").state == "running"
    assert history.record("B", "r1").state == "complete"
    for node in ("A", "B"):
        history.cancel(node, "r1")
    assert history.record("A", "r1").state == "canceled"
    assert history.record("B", "r1").state == "complete"


def push(version, destination="/m"):
    destination = f"{destination}/{version}"
    return [("pushed_model", "PushedModel", {"pushed": 1, "pushed_destination": destination})]


def test_a_model_belongs_to_the_run_that_pushed_it(store, history):
    complete, cached = pb.Execution.COMPLETE, pb.Execution.CACHED
    assert history.pushes() == []
    record_execution(store, "Pusher", "r1", complete, artifacts=push(1))
    (first,) = history.pushes()
    record_execution(store, "Pusher", "r2", cached, cached=[first.id])
    record_execution(store, "Pusher", "r3", complete, artifacts=[*push(2), *push(3)])
    record_execution(store, "Pusher", "o1", complete, artifacts=push(1), pipeline="other")
    record_execution(store, "Trainer", "r3", complete, artifacts=[("model", "Model", {})])
    ids = [artifact.id for artifact in history.pushes()]
    assert [history.runs_of_outputs(ids)[i] for i in ids] == ["r1", "r3", "r3"]
    assert len(History(store, "other").pushes()) == 1


def test_runs_by_pushed_version(store, history, tmp_path):
    complete = pb.Execution.COMPLETE
    for run_id, version in {"r1": 1, "r2": 2, "r3": 1}.items():
        record_execution(store, "Pusher", run_id, complete, artifacts=push(version))
    runs = Runs(Layout(str(tmp_path), "taxi"), history)
    found = runs.pushed(["1", "2", "7"])
    assert {version: run.run_id for version, run in found.items()} == {"1": "r1", "2": "r2"}
    assert [run.run_id for run in runs.newest(2)] == ["r2", "r3"]
    for run in runs.list():  # the same without the database
        file = Layout(str(tmp_path), "taxi").run(run.run_id).run_json
        file.parent.mkdir(parents=True)
        file.write_text(run.to_json())
        os.utime(file, (0, int(run.run_id[1:])))
    assert Runs(Layout(str(tmp_path), "taxi"), None).pushed(["1", "2", "7"]) == found
    Layout(str(tmp_path), "taxi").run("r1").run_json.unlink()
    assert runs.pushed(["1"]) == {"1": found["1"]}


def test_a_run_whose_nodes_have_not_started_is_named(store, history, tmp_path):
    record_execution(store, "A", "r1", pb.Execution.COMPLETE)
    run, parent = (put_context(store, *c) for c in [("pipeline_run", "r2"), ("pipeline", "taxi")])
    store.put_parent_contexts([pb.ParentContext(child_id=run, parent_id=parent)])
    runs = Runs(Layout(str(tmp_path), "taxi"), history)
    assert [run.run_id for run in runs.list()] == ["r1"]
    with pytest.raises(errors.ConfigError, match="run r2: none of its nodes has started"):
        runs.get("r2")


@pytest.mark.parametrize("count", [0, 1, 8, 9, 150])
def test_newest_executions_are_read_in_pages(store, history, count):
    for number in range(count):
        record_execution(store, "A", f"r{number}", pb.Execution.COMPLETE)
    ids = [execution.id for execution in history.newest_executions("A")]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == count


@pytest.mark.parametrize("later", [0, 1, 7, 80])
def test_the_executions_of_a_node_in_an_old_run(store, history, later):
    wanted = [record_execution(store, "A", "old", pb.Execution.FAILED) for _ in range(2)]
    others = ("B", "old", "taxi"), ("A", "other", "taxi"), ("A", "old", "shop")
    for node, run, pipeline in others:
        record_execution(store, node, run, pb.Execution.COMPLETE, pipeline=pipeline)
    for number in range(later):
        record_execution(store, "A", f"r{number}", pb.Execution.COMPLETE)
    found = [execution.id for execution in history.executions("A", "old")]
    assert found == wanted
    again = record_execution(store, "A", "old", pb.Execution.COMPLETE)
    assert [execution.id for execution in history.executions("A", "old")] == [*wanted, again]
    assert history.executions("C", "old") == history.executions("A", "r80") == []


def test_several_processes_may_create_the_database_together(tmp_path):
    program = (
        "import sys; from tfx_pipeline.metadata import database as m;"
        "m.open_store(m.connection_config('sqlite', sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "new" / "metadata.db")]
    starts = [subprocess.Popen(command) for _ in range(6)]
    assert [start.wait() for start in starts] == [0] * 6


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path):
    path = tmp_path / "metadata.db"
    path.write_text("not a database, but long enough to be looked at " * 40)
    with pytest.raises(errors.PipelineError, match="ML Metadata cannot be opened: SQLite file"):
        database.open_store(database.connection_config("sqlite", path))


def test_the_password_comes_from_the_environment_only(monkeypatch):
    config = database.connection_config(
        metadata_database.parse("mysql://tfx@db.example:3307/mlmd"), "unused"
    )
    assert (config.mysql.user, config.mysql.host, config.mysql.port) == ("tfx", "db.example", 3307)
    monkeypatch.setenv(METADATA_PASSWORD, "secret")
    assert database.with_password(config).mysql.password == "secret"
    assert config.mysql.password == ""
