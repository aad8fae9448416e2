"""The Dockerfile, as far as it can be checked without a container runtime.

`scripts/check_image.py` runs its steps in a root file system and executes a node there.
"""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess

import pytest

from scripts import check_image
from tests.orchestrators.kubeflow.plans import REPOSITORY
from tfx_pipeline.orchestrators.kubeflow import kfp_subprocess

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def steps():
    return check_image.instructions(DOCKERFILE)


def hadolint(text: str) -> list[dict]:
    program = f"{kfp_subprocess.find_python().rpartition('/')[0]}/hadolint"
    command = [program, "--format", "json", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def test_hadolint_has_nothing_to_say():
    assert hadolint(DOCKERFILE) == []


@pytest.mark.parametrize(
    ("sound", "broken", "rule"),
    [
        ("python:3.13-slim-trixie", "python", "DL3006"),
        ("python:3.13-slim-trixie", "python:latest", "DL3007"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("WORKDIR /project", "WORKDIR project", "DL3000"),
        ("g++=4:1*", "g++", "DL3008"),
    ],
)
def test_hadolint_would_say_so(sound, broken, rule):
    assert sound in DOCKERFILE
    assert rule in {row["code"] for row in hadolint(DOCKERFILE.replace(sound, broken))}


def test_the_entry_point_is_the_node_command(steps):
    assert json.loads(dict(steps)["ENTRYPOINT"]) == ["python", "-m", "tfx_pipeline.node"]


def test_kubernetes_can_tell_that_the_user_is_not_root(steps):
    # runAsNonRoot refuses an image whose user is a name.
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", dict(steps)["USER"])


def test_the_last_stage_has_no_compiler(steps):
    stages = [rest for name, rest in steps if name == "FROM" and "${TFX_LINE}" in rest]
    assert len(stages) == 2
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "apt-get" not in last
    assert "pip install" not in last


def test_there_is_a_python_for_each_line_of_tfx_and_the_newest_is_the_default(steps):
    labels = [rest.rpartition(" AS ")[2] for name, rest in steps if name == "FROM"]
    assert {f"python-{line}" for line in check_image.BASES} <= {*labels}
    assert ("ARG", f"TFX_LINE={max(check_image.BASES)}") in steps


@pytest.mark.parametrize("line", check_image.BASES)
def test_the_image_has_what_steps_need_and_no_kfp(line):
    lock = REPOSITORY / "requirements" / f"cluster-{line}.txt"
    names = {text.partition("==")[0] for text in lock.read_text().splitlines() if "==" in text}
    assert {"tfx", "pymysql", "boto3"} <= names
    assert not {name for name in names if name.startswith("kfp")}


@pytest.mark.parametrize("line", check_image.BASES)
def test_the_image_for_gpus_has_the_same_and_cuda(line):
    def pins(name):
        text = (REPOSITORY / "requirements" / name).read_text()
        return {row for row in text.splitlines() if "==" in row}

    plain, gpu = pins(f"cluster-{line}.txt"), pins(f"cluster-{line}-gpu.txt")
    assert plain < gpu
    added = {text.partition("==")[0] for text in gpu - plain}
    assert added > {"nvidia-cudnn-cu12", "nvidia-cublas-cu12"}
    assert all(name.startswith("nvidia-") for name in added)


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("line", check_image.BASES)
def test_everything_copied_is_there_and_not_ignored(steps, line, gpu):
    kept = [
        line[1:]
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copies = [rest for name, rest in steps if name == "COPY" and "--from" not in rest]
    for rest in copies:
        words = check_image.filled(rest, line, gpu).split()
        for source in [word for word in words if not word.startswith("--")][:-1]:
            assert (REPOSITORY / source).exists()
            assert any(fnmatch.fnmatch(source.split("/")[0], pattern) for pattern in kept), source
