"""The DAG file as text. Refresh the golden one with: pytest tests/airflow --golden"""

from __future__ import annotations

import ast
import sys

import pytest

from tests.orchestrators.airflow.plans import GOLDEN, render
from tests.projects import REPOSITORY
from tfx_pipeline import ConfigError, load_config
from tfx_pipeline.ir.manifest import Parameter
from tfx_pipeline.orchestrators.airflow import dag


def test_the_dag_file_is_the_golden_one(plan, golden):
    text = render(plan).replace(sys.executable, "/project/.venv/bin/python")
    golden(GOLDEN / "chicago-taxi_dag.py", text.replace(str(REPOSITORY), "/project"))


def test_it_is_short_and_imports_only_airflow(plan):
    text = render(plan)
    assert len(text.splitlines()) < 250
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    modules = {node.module.partition(".")[0] for node in imports}
    assert modules == {"__future__", "airflow", "datetime", "pathlib"}


def test_it_has_the_words_that_airflow_looks_for(plan):
    text = render(plan).lower()
    assert "dag" in text
    assert "airflow" in text


def test_texts_of_people_stay_texts(plan):
    wild = plan.model_copy(
        update={"description": 'a "quoted" \\ text\n{{ with }} {% all %} ünïcode'}
    )
    body = ast.parse(render(wild)).body
    (call,) = [node.items[0].context_expr for node in body if isinstance(node, ast.With)]
    (description,) = [word.value for word in call.keywords if word.arg == "description"]
    assert ast.literal_eval(description) == wild.description


def test_defaults_of_zero_and_an_empty_text_are_written(plan):
    parameters = {
        "count": Parameter(type="int", default=0),
        "label": Parameter(type="string", default=""),
        "span": Parameter(type="int"),
    }
    text = render(plan.model_copy(update={"parameters": parameters}))
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
    params = [call for call in calls if getattr(call.func, "id", "") == "Param"]
    found = [
        (ast.literal_eval(call.args[0]), ast.literal_eval(call.keywords[0].value))
        for call in params
    ]
    # The trigger form has None where nothing is written.
    assert found == [(0, "integer"), ("", ["null", "string"]), (None, ["null", "integer"])]


def test_no_secret_of_the_environment_is_written(plan, monkeypatch):
    monkeypatch.setenv("TFX_PIPELINE_METADATA_PASSWORD", "correct-horse-battery")
    text = render(plan, "metadata=mysql://tfx@db/meta", "airflow.metadata_conn_id=mlmd")
    assert "correct-horse-battery" not in text
    assert 'Connection.get("mlmd").password' in text


def test_a_node_that_is_none_of_the_pipeline(plan):
    with pytest.raises(ConfigError, match=r"airflow.nodes.Trainr: .*Did you mean 'Trainer'"):
        render(plan, "airflow.nodes.Trainr.queue=gpu")


def test_a_node_whose_name_airflow_refuses(plan):
    first = plan.nodes[0].model_copy(update={"id": "Example Gen"})
    renamed = plan.model_copy(update={"nodes": (first, *plan.nodes[1:])})
    with pytest.raises(ConfigError, match="Example Gen: Airflow's task ids may contain"):
        render(renamed)


def test_a_node_that_is_called_as_the_task_of_the_report(plan):
    first = plan.nodes[0].model_copy(update={"id": "run_report"})
    renamed = plan.model_copy(update={"nodes": (first, *plan.nodes[1:])})
    with pytest.raises(ConfigError, match="run_report: the task of the run's report has the same"):
        render(renamed)
    assert "Report(" not in render(renamed.model_copy(update={"report": ()}))


def test_without_groups_all_tasks_stand_alone(plan):
    assert "with TaskGroup" in render(plan)
    assert "with TaskGroup" not in render(plan, "airflow.task_groups=false")


def test_the_nodes_find_packages_below_src(plan, tmp_path):
    (tmp_path / "src").mkdir()
    config = load_config(REPOSITORY / "pipeline.yaml").model_copy(update={"folder": str(tmp_path)})
    text = dag.render(plan, config, "pipeline.pb")
    (line,) = [line for line in text.splitlines() if line.startswith("PYTHONPATH = ")]
    paths = ast.literal_eval(line.partition(" = ")[2])
    assert paths[:2] == [str(tmp_path), str(tmp_path / "src")]
