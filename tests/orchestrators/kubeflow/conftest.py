"""Fixtures of the Kubeflow tests: written pipelines."""

from __future__ import annotations

import json
import subprocess

import pytest
from ruamel.yaml import YAML

from tests.orchestrators.kubeflow import plans
from tfx_pipeline.orchestrators.kubeflow import kfp_subprocess


def load_all(text: str) -> list[dict]:
    return list(YAML(typ="safe", pure=True).load_all(text))


def write_kfp(plan, folder) -> str:
    target = folder / "kfp.yaml"
    kfp_subprocess.run("kfp_compiler.py", plan.model_dump(mode="json"), str(target))
    return target.read_text()


@pytest.fixture(scope="session")
def bundled_kfp(tmp_path_factory) -> str:
    """The bundled pipeline's YAML."""
    return write_kfp(plans.bundled(), tmp_path_factory.mktemp("kfp"))


@pytest.fixture
def spec(bundled_kfp) -> dict:
    """The bundled pipeline's own document."""
    return load_all(bundled_kfp)[0]


@pytest.fixture
def platform(bundled_kfp) -> dict:
    """What the bundled pipeline asks of Kubernetes."""
    return load_all(bundled_kfp)[1]


def tasks(spec: dict) -> dict:
    """The tasks of the nodes: those whose end the exit task waits for, if there is one."""
    root = root_tasks(spec)
    inner = spec["components"].get("comp-exit-handler-1")
    return root if inner is None else inner["dag"]["tasks"]


def root_tasks(spec: dict) -> dict:
    """The tasks of the outermost DAG."""
    return spec["root"]["dag"]["tasks"]


def executors(platform: dict) -> dict:
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


@pytest.fixture(scope="session")
def everything_kfp(tmp_path_factory) -> str:
    """The YAML of a pipeline that uses every key of the section."""
    return write_kfp(plans.everything(), tmp_path_factory.mktemp("kfp"))


@pytest.fixture
def in_kfp(tmp_path):
    """Runs one of the programs beside this file in the environment that has kfp."""

    def run(program: str, text: str) -> dict:
        file = tmp_path / "pipeline.yaml"
        file.write_text(text)
        script = plans.REPOSITORY / "tests" / "orchestrators" / "kubeflow" / program
        command = [kfp_subprocess.find_python(), "-I", str(script), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr)
        return json.loads(done.stdout)

    return run
