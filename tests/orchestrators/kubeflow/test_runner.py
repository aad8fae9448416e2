"""The command `kubeflow_runner.py`: what it refuses before anything heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.orchestrators.kubeflow import lint, plans
from tests.orchestrators.kubeflow.conftest import load_all
from tfx_pipeline import errors, load_config
from tfx_pipeline.ir import data_uri
from tfx_pipeline.orchestrators.kubeflow import (
    config_warnings,
    kfp_subprocess,
    output_file,
    path_relocation,
)


@pytest.fixture
def kubeflow(shop):
    """Runs the command for a small configuration."""

    def run(*arguments: str, image=plans.IMAGE, file="taxi.yaml", **environment):
        script = plans.REPOSITORY / "runners" / "kubeflow_runner.py"
        command = [sys.executable, str(script), "--image", image, "--output", file, *arguments]
        return subprocess.run(
            command,
            cwd=shop.parent,
            env={"PATH": "/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def refused(done, message):
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    return True


def test_an_image_that_is_none(kubeflow, shop):
    assert refused(kubeflow(image="My Image"), "--image: 'My Image' is not a valid image name")
    assert not (shop.parent / "taxi.yaml").exists()


def test_an_output_that_is_not_ours_stays_as_it_is(kubeflow, shop):
    before = shop.read_text()
    done = kubeflow(file="pipeline.yaml")
    assert refused(done, "--output: pipeline.yaml exists and was not written by tfx-pipeline")
    assert shop.read_text() == before


def test_an_output_that_is_a_folder(kubeflow):
    assert refused(kubeflow(file="data"), "--output: data is a folder")


def test_a_named_python_without_kfp(kubeflow):
    done = kubeflow(TFX_PIPELINE_KFP_PYTHON="/usr/bin/false")
    assert refused(
        done, "TFX_PIPELINE_KFP_PYTHON: /usr/bin/false is not a Python interpreter with kfp 2"
    )


def test_a_resource_that_does_not_parse(kubeflow):
    done = kubeflow("--set", "kubeflow.step.memory={request: lots}")
    assert refused(done, "kubeflow.step.memory.request: must be a whole number of bytes")


def test_it_is_a_subcommand_as_well(tfx_pipeline):
    done = tfx_pipeline("compile", "kubeflow", "--help")
    assert done.returncode == 0, done.stderr
    assert "--image" in done.stdout


def test_argo_takes_no_submission(kubeflow):
    done = kubeflow("--format", "argo", "--submit", "http://127.0.0.1:1")
    assert refused(done, "--submit requires --format kfp")


def test_json_errors_are_one_document(kubeflow):
    done = kubeflow("--json", image="My Image")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["problems"][0]["where"] == "--image"


def test_without_kfp_one_line_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.delenv(kfp_subprocess.VARIABLE, raising=False)
    monkeypatch.setattr(kfp_subprocess, "OWN_PYTHON", tmp_path / "python")
    kfp_subprocess.find_python.cache_clear()
    with pytest.raises(
        errors.MissingExtra, match=r"pip install 'tfx-pipeline\[kubeflow\]'"
    ) as raised:
        kfp_subprocess.find_python()
    assert "\n" not in str(raised.value)


def test_our_own_output_may_be_written_again(tmp_path):
    path = tmp_path / "deep" / "taxi.yaml"
    for text in ("a: 1\n", "a: 2\n"):
        output_file.ensure_ours(path)
        output_file.write(path, text)
    assert path.read_text() == output_file.HEADER + "a: 2\n"


def test_what_steps_cannot_share_is_told(shop):
    config = load_config(shop)
    found = config_warnings.warnings(path_relocation.in_image(config))
    assert [text.split(" is ")[0] for text in found] == ["root", "serving.push_dir", "metadata"]


def test_what_steps_can_share_is_not_told(shop):
    settings = [
        "metadata=mysql://me@host/db",
        "kubeflow.secrets=[{name: s, env: {TFX_PIPELINE_METADATA_PASSWORD: password}}]",
    ]
    config = load_config(shop, settings, root="s3://bucket/runs")
    assert config_warnings.warnings(path_relocation.in_image(config)) == []
    mounted = [*settings, "kubeflow.volumes=[{claim: c, mount_path: /data}]"]
    config = load_config(shop, mounted, root="/data/runs")
    assert config_warnings.warnings(path_relocation.in_image(config)) == []


def test_paths_of_the_project_are_relative_to_it(shop):
    config = load_config(shop, ["schema.path=schema/shop.pbtxt"], root="s3://bucket/runs")
    moved = path_relocation.in_image(config)
    assert (moved.data.path, moved.schema_source.path) == ("data", "schema/shop.pbtxt")
    elsewhere = load_config(shop, ["data.path=/mnt/rows", "data.format=csv"])
    assert path_relocation.in_image(elsewhere).data.path == "/mnt/rows"
    remote = load_config(shop, ["data.path=s3://bucket/rows"])
    assert path_relocation.in_image(remote).data.path == "s3://bucket/rows"


def test_a_pipeline_inline_is_the_pipeline():
    data = bytes(range(256)) * 100
    text = data_uri.encode(data)
    assert data_uri.decode(text) == data
    assert data_uri.encode(data) == text


@pytest.mark.parametrize(
    "text", ["data:text/plain,x", data_uri.PREFIX + "%%%", data_uri.PREFIX + "AAAA"]
)
def test_damaged_pipelines_are_refused(text):
    with pytest.raises(errors.ConfigError, match="not a compiled pipeline"):
        data_uri.decode(text)


def test_what_is_inline_fits_a_command_line_and_a_workflow():
    for copies in (1, 12, 100):
        limit = data_uri.limit(copies)
        assert limit < lint.ARGUMENT_LIMIT
        assert limit * copies < lint.WORKFLOW_LIMIT


@pytest.mark.tensorflow
def test_the_written_pipeline_holds_the_ir(kubeflow, shop, tmp_path):
    from tfx_pipeline.ir import pipeline_ir

    done = kubeflow("--root", "/data/runs", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] > 5
    spec = load_all((shop.parent / "taxi.yaml").read_text())[0]
    container = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]
    source = container["args"][container["args"].index("--pipeline") + 1]
    pipeline = pipeline_ir.read(source)
    upstream = {n.node_info.id: set(n.upstream_nodes) for n in pipeline_ir.nodes(pipeline)}
    assert upstream["Pusher"] == {"Evaluator", "ExportCheck", "Trainer"}
    assert pipeline_ir.pipeline_root(pipeline) == "/data/runs/shop"


@pytest.mark.tensorflow
@pytest.mark.parametrize("format", ["kfp", "argo"])
def test_equal_configurations_give_equal_bytes(kubeflow, shop, format):
    written = []
    for seed in ("1", "2"):
        done = kubeflow("--format", format, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        written.append((shop.parent / "taxi.yaml").read_bytes())
    assert written[0] == written[1]


@pytest.mark.tensorflow
def test_a_pipeline_too_large_for_a_command_line_needs_an_object_store(shop, monkeypatch):
    from tfx_pipeline.orchestrators.kubeflow.runner import KubeflowRunner

    monkeypatch.setattr(data_uri, "limit", lambda copies: 100)
    runner = KubeflowRunner(
        load_config(shop), image=plans.IMAGE, file=shop.parent / "large.yaml", format="argo"
    )
    with pytest.raises(errors.ConfigError, match="Set root to an object store"):
        runner.run()
