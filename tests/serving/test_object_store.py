"""Models that are pushed to S3: listed, promoted, served and asked for predictions."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from tests import s3
from tests.serving import tiny
from tests.serving.harness import wait_until
from tfx_pipeline.serving import Client, LocalServer

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

FOLDER = f"s3://{s3.NAME}/serving/{tiny.NAME}"
PUSH = """
import os, sys
from tfx_pipeline.compat import s3_access
s3_access.prepare([sys.argv[2]])
from tfx_pipeline.components.pusher import versioned_folder
print(versioned_folder.push(sys.argv[1], sys.argv[2], pushed_by=sys.argv[1]), flush=True)
os._exit(0)  # tensorflow-io's S3 would abort
"""


@pytest.fixture(scope="module")
def bucket():
    with s3.serve() as made:
        yield made


@pytest.fixture
def project(bucket, tmp_path, shop, monkeypatch):
    """The folder of a configuration that pushes the tiny model to the bucket."""
    for name, value in bucket.variables.items():
        monkeypatch.setenv(name, value)
    settings = f"serving: {{push_dir: '{FOLDER}', model_name: {tiny.NAME}}}\n"
    shop.write_text(shop.read_text() + settings)
    (tmp_path / "rows.csv").write_text("".join(f"{x}\n" for x in ("x", *range(400))))
    return tmp_path


@pytest.fixture
def command(project, tfx_pipeline):
    """Runs a command in the project's folder; it must end well."""

    def run(*arguments) -> str:
        done = tfx_pipeline(*arguments, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    return run


def push(folder: pathlib.Path, offset: int) -> int:
    """Pushes a model whose answers tell it from others; returns its version."""
    tiny.save(folder / f"model-{offset}", offset)
    arguments = [sys.executable, "-c", PUSH, str(folder / f"model-{offset}"), FOLDER]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.strip().rpartition("/")[2])


def available(server) -> set[int]:
    with Client(server.rest, tiny.NAME) as client:
        return {version for version, state in client.versions().items() if state == "AVAILABLE"}


def test_from_two_pushed_versions_to_a_canarys_predictions(project, command, bucket):
    assert command("models", "--json")
    assert command("models") == ""
    first, second = push(project, 100), push(project, 200)
    listed = json.loads(command("models", "--json"))
    assert listed["push_dir"] == FOLDER
    assert [row["version"] for row in listed["versions"]] == [first, second]

    command("promote", first)
    with LocalServer(folder=project) as server:
        assert available(server) == {first}
        target = ("--target", server.grpc)
        command("canary", second, "--percent", "25", *target)
        wait_until(lambda: available(server) == {first, second})
        rows = [
            json.loads(line)
            for line in command(
                "predict",
                "rows.csv",
                "--split",
                "--key",
                "x",
                "--output-format",
                "jsonl",
                "--signature",
                "serving_default",
                *target,
            ).splitlines()
        ]
        offsets = [row["y"] - x / 2 for x, row in enumerate(rows)]
        assert set(offsets) == {100.0, 200.0}
        assert 0.15 < offsets.count(200.0) / len(offsets) < 0.35
        table = command("models", *target)
        assert "canary" in table
        assert "stable" in table

        command("promote", second)
        wait_until(lambda: available(server) == {second})
        command("rollback")
        wait_until(lambda: available(server) == {first, second})
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait() == 0
    assert bucket.keys("serving/tiny.") == ["serving/tiny.config", "serving/tiny.traffic.json"]
    assert not (project / "s3:").exists()

    with LocalServer("--model-base-path", FOLDER, "--model-name", tiny.NAME) as server:
        assert available(server) == {second}
        third = push(project, 300)
        wait_until(lambda: available(server) == {third})


def test_an_unknown_version_is_refused(project, tfx_pipeline):
    done = tfx_pipeline("promote", "7", cwd=project)
    assert done.returncode == 2
    assert f"7: is not a version of {tiny.NAME}" in done.stderr


def test_a_bucket_that_is_not_there_is_one_clear_error(project, tfx_pipeline):
    for arguments in (("models",), ("promote", "1"), ("serve", "--local")):
        file = project / "pipeline.yaml"
        file.write_text(file.read_text().replace(FOLDER, "s3://no-such-bucket/models"))
        done = tfx_pipeline(*arguments, cwd=project)
        assert done.returncode != 0
        assert "s3://no-such-bucket/models" in done.stderr
        assert "bucket does not exist" in done.stderr
        assert "Traceback" not in done.stderr


def test_commands_need_no_tensorflow(project):
    program = (
        "import sys; from tfx_pipeline.serving.rollout import traffic_state as t;"
        f"t.load('{tiny.NAME}', '{FOLDER}').versions();"
        "print([name for name in ('tensorflow', 'tfx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_tensorflow_serving_is_not_started_for_what_it_cannot_read(project, tfx_pipeline):
    (project / "bin").mkdir()
    server = project / "bin" / "tensorflow_model_server"
    server.write_text("#!/bin/sh\necho started\n")
    server.chmod(0o755)
    env = {**os.environ, "PATH": f"{project / 'bin'}:{os.environ['PATH']}"}
    for arguments in ((), ("--model-base-path", FOLDER)):
        done = tfx_pipeline("serve", *arguments, cwd=project, env=env)
        assert done.returncode == 2
        assert "tensorflow_model_server cannot read s3://" in done.stderr
        assert "--local" in done.stderr
        assert "started" not in done.stdout


def test_manifests(project, tfx_pipeline, bucket):
    for name in bucket.keys("serving/tiny."):  # no canary
        bucket.client.delete_object(Bucket=s3.NAME, Key=name)
    done = tfx_pipeline("compile", "serving", "--target", "kserve", cwd=project)
    assert done.returncode == 0, done.stderr
    text = (project / "deploy" / "kserve" / "inferenceservice.yaml").read_text()
    assert f"storageUri: {FOLDER}\n" in text
    done = tfx_pipeline("compile", "serving", "--target", "compose", cwd=project)
    assert done.returncode == 2
    assert f"Compose cannot mount {FOLDER}" in done.stderr
