"""Artifacts on S3. moto's server stands in for MinIO or AWS; TensorFlow, Beam and TFX are real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import httpx
import pytest

from tests import s3
from tests.projects import environment, make_project
from tfx_pipeline import load_config
from tfx_pipeline.storage import layout, object_store

BUCKET = s3.NAME


def test_tensorflow_is_told_of_the_endpoint_by_its_own_names():
    told = object_store.tensorflow_variables({"AWS_ENDPOINT_URL": "http://minio:9000"})
    assert told["S3_ENDPOINT"] == "http://minio:9000"
    assert told["S3_VERIFY_SSL"] == "0"
    assert told["AWS_REGION"] == "us-east-1"
    assert object_store.tensorflow_variables({}) == {}
    assert object_store.tensorflow_variables({"AWS_REGION": "eu-west-1"}) == {
        "AWS_REGION": "eu-west-1"
    }


def test_paths_below_a_remote_root(shop):
    config = load_config(shop, root="s3://bucket/runs/")
    assert config.push_dir == "s3://bucket/runs/serving/shop"
    files = layout.Layout(config.root, config.name)
    assert files.artifacts == "s3://bucket/runs/shop"
    assert files.compiled("ab12") == "s3://bucket/runs/shop/compiled/ab12.pb"
    assert files.home.parts[-4:] == ("s3", "bucket", "runs", "shop")


def test_paths_below_a_local_root_are_as_ever():
    assert layout.Layout("/build", "shop").artifacts == "/build/shop"
    assert layout.join("/build/", "serving", "shop") == "/build/serving/shop"


@pytest.fixture(scope="module")
def bucket():
    with s3.serve() as made:
        yield made


@pytest.fixture(scope="module")
def ran(bucket, tmp_path_factory):
    """The bundled example after a run with its artifacts and its model on S3."""
    project = make_project(tmp_path_factory.mktemp("s3") / "taxi")
    options = ["--root", f"s3://{BUCKET}/runs", "--set", "training.steps=60", "--run-id", "one"]
    done = call(project, bucket, project.command("--json", *options))
    assert done.returncode == 0, done.stdout + done.stderr
    return project, json.loads(done.stdout)


def call(project, bucket, command):
    return subprocess.run(
        command,
        cwd=project.folder,
        env={**environment(), **bucket.variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_run_ends_with_the_model_on_s3(ran, bucket):
    project, run = ran
    assert run["blessed"]
    assert run["pushed_model"].startswith(f"s3://{BUCKET}/runs/serving/chicago-taxi/")
    pushed = bucket.keys(run["pushed_model"].removeprefix(f"s3://{BUCKET}/"))
    assert any(key.endswith("saved_model.pb") for key in pushed)
    assert any("variables/variables.data" in key for key in pushed)
    for node in run["nodes"].values():
        assert all(uri.startswith("s3://") for uris in node["outputs"].values() for uri in uris)
    assert not (project.folder / "s3:").exists()


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_node_takes_its_pipeline_by_uri_and_ends_with_0(ran, bucket):
    # Every process that used tensorflow-io's S3 would abort with 134 at its end.
    project, _ = ran
    home = next((project.folder / layout.LOCAL_HOME).rglob("one"))
    uri = layout.Layout(f"s3://{BUCKET}/runs", "chicago-taxi").compiled("abc")
    key = uri.removeprefix(f"s3://{BUCKET}/")
    bucket.client.upload_file(str(home / "pipeline.pb"), BUCKET, key)
    command = project.node_command("one", "ExampleGen")
    command[command.index("--pipeline") + 1] = uri
    command[command.index("--run-id") + 1] = "two"
    done = call(project, bucket, command)
    assert done.returncode == 0, done.stderr
    assert "ExampleGen: cached" in done.stderr


@pytest.mark.e2e
@pytest.mark.slow
def test_the_last_task_writes_the_report_beside_the_artifacts(ran, bucket):
    project, _ = ran
    home = next((project.folder / layout.LOCAL_HOME).rglob("one"))
    bucket.client.upload_file(str(home / "pipeline.pb"), BUCKET, "compiled/one.pb")
    command = ["--pipeline", f"s3://{BUCKET}/compiled/one.pb", "--run-id", "one"]
    done = call(project, bucket, [sys.executable, "-m", "tfx_pipeline.report", *command])
    assert done.returncode == 0, done.stderr
    key = "runs/chicago-taxi/runs/one/report.html"
    assert done.stderr.splitlines()[-1] == f"Report: s3://{BUCKET}/{key}"
    html = bucket.client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert "Blessed and pushed" in html
    assert "trip_miles" in html


@pytest.mark.e2e
@pytest.mark.slow
def test_the_page_over_all_runs_reads_artifacts_on_s3(ran, bucket):
    """As for a run of a cluster: this machine has no report and no log of it."""
    project, _ = ran
    root = f"s3://{BUCKET}/runs"
    home = next((project.folder / layout.LOCAL_HOME).rglob("chicago-taxi"))
    elsewhere = home.with_name("not-here")
    (home / "runs").rename(elsewhere)
    command = [sys.executable, "-m", "tfx_pipeline", "ui", "--root", root, "--port", "0"]
    with subprocess.Popen(
        command,
        cwd=project.folder,
        env={**environment(), **bucket.variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as page:
        try:
            run = page.stdout.readline().strip().rstrip("/") + "/runs/chicago-taxi/one"
            assert "ExampleGen" in httpx.get(run, timeout=60).text
            report = httpx.get(f"{run}/report", timeout=60).text
        finally:
            page.terminate()
            shutil.rmtree(home / "runs", ignore_errors=True)
            elsewhere.rename(home / "runs")
    assert "Blessed and pushed" in report
    assert "trip_miles" in report


@pytest.mark.e2e
@pytest.mark.tensorflow
def test_a_pipeline_that_is_not_there_is_one_clear_error(ran, bucket):
    project, _ = ran
    command = project.node_command("one", "ExampleGen")
    command[command.index("--pipeline") + 1] = f"s3://{BUCKET}/nothing.pb"
    done = call(project, bucket, command)
    assert done.returncode == 2
    assert f"s3://{BUCKET}/nothing.pb: cannot be read" in done.stderr


@pytest.mark.e2e
@pytest.mark.tensorflow
def test_a_large_pipeline_is_put_below_the_root(ran, bucket, monkeypatch, tmp_path):
    from tfx_pipeline.ir import data_uri
    from tfx_pipeline.orchestrators.kubeflow.runner import KubeflowRunner

    project, _ = ran
    monkeypatch.setattr(data_uri, "limit", lambda copies: 100)
    for name, value in bucket.variables.items():
        monkeypatch.setitem(os.environ, name, value)
    config = load_config(project.folder / "pipeline.yaml", root=f"s3://{BUCKET}/runs")
    runner = KubeflowRunner(config, image="taxi:1", file=tmp_path / "a.yaml", format="argo")
    source = runner.run().steps[0].arguments[1][0]
    assert source.startswith(f"s3://{BUCKET}/runs/chicago-taxi/compiled/")
    assert source.removeprefix(f"s3://{BUCKET}/") in bucket.keys("runs/chicago-taxi/compiled/")
