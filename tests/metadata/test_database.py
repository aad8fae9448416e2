"""ML Metadata is real here: a SQLite file in a temporary folder."""

import json
import subprocess
import sys

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from tfx_pipeline import errors
from tfx_pipeline.config import metadata_database
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.metadata import database, node_record
from tfx_pipeline.metadata.history import History


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


def record_execution(store, node, run_id, state, result=None, artifacts=()):
    """Writes what TFX writes: an execution in its contexts, with output artifacts."""
    execution = pb.Execution(
        type_id=put_type(store, "execution", f"t.{node}"), last_known_state=state
    )
    if result:
        execution.custom_properties[node_record.EXECUTION_RESULT].string_value = json.dumps(result)
    contexts = [
        put_context(store, "pipeline", "taxi"),
        put_context(store, "pipeline_run", run_id),
        put_context(store, "node", f"taxi.{node}"),
    ]
    outputs = []
    for key, type_name, properties in artifacts:
        artifact = pb.Artifact(type_id=put_type(store, "artifact", type_name), uri=f"/x/{key}")
        for name, value in properties.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[name], field, value)
        event = pb.Event(type=pb.Event.OUTPUT)
        event.path.steps.add(key=key)
        outputs.append((artifact, event))
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
