"""Nodes in pods: the pod that Airflow would send, and its command run here."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.orchestrators.airflow.conftest import make_toy
from tests.orchestrators.airflow.plans import render
from tests.orchestrators.airflow.scheduling import compile_dag
from tfx_pipeline import ConfigError

TRY_POD = os.path.join(os.path.dirname(__file__), "try_pod.py")
TEMPLATE = """\
apiVersion: v1
kind: Pod
metadata: {name: template}
spec:
  tolerations: [{key: gpu, operator: Exists}]
  containers:
    - name: base
      resources: {limits: {memory: 8Gi}}
"""
SETTINGS = (
    "root=s3://bucket/taxi",
    "airflow.pod={image: 'registry.example/taxi:1', namespace: ml, service_account: tfx}",
    "airflow.pod.secrets.TFX_PIPELINE_METADATA_PASSWORD={name: mysql, key: password}",
)


def run(airflow_venv, folder: pathlib.Path, dag_file: pathlib.Path) -> dict:
    done = subprocess.run(
        [airflow_venv / "bin" / "python", "-I", TRY_POD, dag_file],
        env={"HOME": str(folder), "AIRFLOW_HOME": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def found(airflow_venv, plan, tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("pods")
    (folder / "gpu.yaml").write_text(TEMPLATE)
    own = f"airflow.nodes.Trainer.pod_template={folder / 'gpu.yaml'}"
    (folder / "chicago-taxi_dag.py").write_text(render(plan, *SETTINGS, own))
    (folder / "chicago-taxi").mkdir()
    (folder / "chicago-taxi" / "pipeline-0123456789ab.pb").write_bytes(b"compiled")
    return run(airflow_venv, folder, folder / "chicago-taxi_dag.py")


def container(pod: dict) -> dict:
    return next(c for c in pod["spec"]["containers"] if c["name"] == "base")


def test_the_pod_is_as_configured(found):
    pod = found["pod"]
    assert pod["metadata"]["namespace"] == "ml"
    assert pod["spec"]["serviceAccountName"] == "tfx"
    assert container(pod)["image"] == "registry.example/taxi:1"
    assert container(pod)["command"] == ["python"]


def test_a_secret_is_a_reference(found):
    (variable,) = [e for e in container(found["pod"])["env"] if "PASSWORD" in e["name"]]
    assert variable == {
        "name": "TFX_PIPELINE_METADATA_PASSWORD",
        "valueFrom": {"secretKeyRef": {"key": "password", "name": "mysql"}},
    }


def test_a_node_has_a_template_of_its_own(found):
    assert container(found["pod"])["resources"] == {"limits": {"memory": "8Gi"}}
    assert found["pod"]["spec"]["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert "resources" not in container(found["other"])


def test_the_pod_gets_the_pipeline_itself_and_parameters_unharmed(found):
    arguments = container(found["pod"])["args"]
    assert arguments[:3] == ["-m", "tfx_pipeline.node", "--pipeline"]
    assert arguments[3].startswith("data:application/gzip;base64,")
    assert "--die-with-parent" not in arguments
    assert arguments[-4:] == ["--param", "steps=5", "--param", "mode={{ x }}"]


def test_the_report_is_written_in_such_a_pod(found):
    node, report = container(found["other"]), container(found["report"])
    assert report["args"][:2] == ["-m", "tfx_pipeline.report"]
    assert report["args"][3] == node["args"][3]
    assert report["args"][4:] == [
        "--run-id", "pods__manual__1", "--keep-pipeline", "--result", "/airflow/xcom/return.json",
    ]  # fmt: skip
    assert (report["image"], report["env"]) == (node["image"], node["env"])


def test_how_a_container_ends_is_how_the_task_ends(found):
    assert found["well"] == "well"
    refused = "AirflowFailException: Trainer refused, and nothing is pushed: 2 anomalies"
    assert found["refused"] == refused
    assert found["failed"] == "RuntimeError: Trainer failed with exit code 1: ValueError: x"
    assert found["killed"].startswith("AirflowException: Pod pod returned a failure")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SETTINGS[1:], "airflow.pod: nodes in pods cannot reach"),
        (("airflow.nodes.Trainer.pod_template=x.yaml",), "requires 'pod', which is absent"),
        ((*SETTINGS, "airflow.metadata_conn_id=mlmd"), "apply to nodes on workers"),
    ],
)
def test_what_does_not_fit_pods(plan, settings, message):
    with pytest.raises(ConfigError, match=message):
        render(plan, *settings)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_command_of_a_pod_runs_a_node(airflow_venv, tmp_path):
    make_toy(tmp_path)
    text = (tmp_path / "pipeline.yaml").read_text()
    pods = "  pod: {image: toy, template: /templates/pod.yaml}\n"
    (tmp_path / "pipeline.yaml").write_text(text.replace("  metadata_conn_id: mlmd\n", pods))
    done = compile_dag(tmp_path, tmp_path / "dags", "--set", "name=pods")
    assert done.returncode == 0, done.stderr
    arguments = arguments_in(airflow_venv, tmp_path / "dags" / "pods_dag.py")
    result = tmp_path / "result.json"
    arguments[arguments.index("--result") + 1] = str(result)
    done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert json.loads(result.read_text())["state"] == "complete"


def arguments_in(airflow_venv, dag_file: pathlib.Path) -> list[str]:
    code = (
        "import types, json, sys; from importlib.util import *;"
        "s = spec_from_file_location('d', sys.argv[1]); m = module_from_spec(s);"
        "s.loader.exec_module(m);"
        "run = types.SimpleNamespace(dag_id='pods', run_id='r', conf={'mode': '{{ x }}'});"
        "print(json.dumps(m.arguments('First', {'dag_run': run}, 'x')))"
    )
    command = [airflow_venv / "bin" / "python", "-I", "-c", code, dag_file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
