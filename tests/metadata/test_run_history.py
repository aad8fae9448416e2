import pytest

from tfx_pipeline import errors
from tfx_pipeline.metadata import run_history, run_record
from tfx_pipeline.metadata.node_record import NodeRecord, Output
from tfx_pipeline.storage.layout import Layout


def record(node, state="complete", outputs=(), **more):
    return NodeRecord(node, state, 1, 0.0, 2.0, tuple(outputs), **more)


def summary(records, others=None):
    known = {r.node: r for r in records}
    others = {name: run_record.NodeRun(state=state) for name, state in (others or {}).items()}
    order = [*known, *others]
    return run_record.summarise("r1", "taxi", known, others, order, started="", seconds=1.0)


def test_a_run_is_complete_when_all_its_nodes_ended_well():
    run = summary([record("A"), record("B", "cached")], {"C": "skipped"})
    assert (run.state, run.exit_code) == ("complete", 0)


def test_a_failed_node_fails_the_run():
    run = summary([record("A", "failed", error="broken")], {"B": "skipped"})
    assert (run.state, run.exit_code) == ("failed", 1)


def test_a_refusal_is_told_from_a_failure():
    finding = errors.Finding("auc", "min 0.9", "0.5")
    run = summary([record("Evaluator", error="not blessed", refused=True, findings=(finding,))])
    assert (run.state, run.exit_code) == ("refused", 3)
    assert run.nodes["Evaluator"].state == "failed"
    assert run.nodes["Evaluator"].findings[0]["found"] == "0.5"


def test_a_refusal_explains_the_failures_beside_it():
    finding = errors.Finding("model", "loads in a graph session", "no")
    nodes = [
        record("ExportCheck", error="it cannot be served", refused=True, findings=(finding,)),
        record("Evaluator", "failed", error="NotFoundError: no such variable"),
    ]
    for order in (nodes, nodes[::-1]):
        run = summary(order, {"Pusher": "skipped"})
        assert (run.state, run.exit_code) == ("refused", 3)


def test_an_interrupted_run_is_canceled():
    assert summary([record("A", "canceled")]).exit_code == 130


def test_metrics_blessing_and_pushed_model_come_from_the_artifacts():
    outputs = [
        Output("evaluation", 1, "ModelEvaluation", "/e", {"metrics": '{"auc": 0.95}'}),
        Output("blessing", 2, "ModelBlessing", "/b", {"blessed": 1}),
        Output("pushed_model", 3, "PushedModel", "/p", {"pushed": 1, "pushed_destination": "/m/7"}),
    ]
    run = summary([record("E", outputs=outputs)])
    assert (run.metrics, run.blessed, run.pushed_model) == ({"auc": 0.95}, True, "/m/7")


def test_a_run_without_these_artifacts_says_nothing_of_them():
    run = summary([record("A")])
    assert (run.metrics, run.blessed, run.pushed_model) == ({}, None, None)


@pytest.mark.parametrize(
    ("evaluator", "export_check", "blessed"),
    [
        (1, 1, True),
        (1, 0, False),
        (0, 1, False),
        (None, 0, False),
        (None, 1, None),
        (1, None, True),
    ],
)
def test_a_model_is_blessed_when_no_gate_says_no(evaluator, export_check, blessed):
    said = {"ModelBlessing": evaluator, "InfraBlessing": export_check}
    outputs = [
        Output("blessing", number, kind, "/b", {"blessed": value})
        for number, (kind, value) in enumerate(said.items())
        if value is not None
    ]
    assert summary([record("E", outputs=outputs)]).blessed is blessed


def test_the_blessing_of_the_baseline_is_not_the_models():
    found = Output("model_blessing", 1, "ModelBlessing", "/b", {"blessed": 1}, resolved=True)
    own = Output("blessing", 2, "ModelBlessing", "/c", {"blessed": 0})
    resolver = record("BaselineResolver", outputs=[found])
    assert summary([resolver]).blessed is None
    assert summary([resolver, record("Evaluator", outputs=[own])]).blessed is False


def test_run_json_reads_back(tmp_path):
    layout = Layout(str(tmp_path), "taxi")
    run = summary([record("A")])
    path = layout.run("r1").run_json
    path.parent.mkdir(parents=True)
    path.write_text(run.to_json())
    assert run_history.Runs(layout, None).get("r1") == run


def test_a_run_is_found_by_the_start_of_its_id_and_a_wrong_id_gets_a_hint(tmp_path):
    layout = Layout(str(tmp_path), "taxi")
    for run_id in ("20260101-1", "20260102-1"):
        path = layout.run(run_id).run_json
        path.parent.mkdir(parents=True)
        path.write_text(summary([record("A")]).model_copy(update={"run_id": run_id}).to_json())
    opened = run_history.Runs(layout, None)
    assert opened.get("20260102").run_id == "20260102-1"
    with pytest.raises(errors.ConfigError, match="several"):
        opened.get("2026")
    with pytest.raises(errors.ConfigError, match="Did you mean '20260101-1'"):
        opened.get("20260101-2")


def test_no_runs_is_one_clear_error(tmp_path):
    with pytest.raises(errors.ConfigError, match="has no runs"):
        run_history.Runs(Layout(str(tmp_path), "taxi"), None).latest()


def test_a_metric_that_is_not_defined_is_kept_with_its_reason(tmp_path):
    properties = {
        "metrics": '{"auc": 0.95, "precision": null}',
        "undefined_metrics": '{"precision": "no row is predicted as class 1"}',
    }
    run = summary(
        [record("E", outputs=[Output("evaluation", 1, "ModelEvaluation", "/e", properties)])]
    )
    assert run.metrics == {"auc": 0.95, "precision": None}
    assert run_record.metric_text(run, "auc") == "auc 0.95"
    assert run_record.metric_text(run, "precision") == (
        "precision not defined (no row is predicted as class 1)"
    )
    assert run_record.Run.model_validate_json(run.to_json()) == run


def test_a_damaged_run_json_does_not_hide_the_other_runs(tmp_path, caplog):
    runs = run_history.Runs(Layout(str(tmp_path), "taxi"), None)
    for run_id, text in {"r1": summary([record("A")]).to_json(), "r2": "{"}.items():
        file = Layout(str(tmp_path), "taxi").run(run_id).run_json
        file.parent.mkdir(parents=True)
        file.write_text(text)
    assert [run.run_id for run in runs.list()] == ["r1"]
    assert "r2" in caplog.text
