"""The section `kubeflow:`: what it refuses, and how it says so."""

from __future__ import annotations

import pytest

from tfx_pipeline import load_config
from tfx_pipeline.config.kubeflow import Step
from tfx_pipeline.config.kubernetes_types import (
    amount,
    is_cpu,
    is_image,
    is_memory,
    is_pinned_image,
)
from tfx_pipeline.errors import ConfigError


def load(shop, *settings):
    return load_config(shop, [f"kubeflow.{setting}" for setting in settings])


def test_without_the_section_nothing_is_asked_of_the_cluster(shop):
    section = load_config(shop).kubeflow
    assert section.secrets == ()
    assert section.step == Step()


def test_what_a_node_leaves_out_is_what_every_step_gets(shop):
    settings = (
        "step={cpu: {request: 1}, timeout: 1h}",
        "nodes={Trainer: {cpu: {request: 4, limit: 8}}}",
    )
    section = load(shop, *settings).kubeflow
    trainer = section.nodes["Trainer"].over(section.step)
    assert (trainer.cpu.request, trainer.cpu.limit, trainer.timeout) == ("4", "8", "1h")


BAD = [
    ("step.cpu={request: two}", "kubeflow.step.cpu.request", "must be a number of cores"),
    ("step.memory={request: 4 GB}", "kubeflow.step.memory.request", "such as 512Mi or 4Gi"),
    ("step.memory={request: 1.5Gi}", "kubeflow.step.memory.request", "found '1.5Gi'"),
    ("step.memory={request: 4Gi, limit: 512Mi}", "kubeflow.step.memory", "is above limit"),
    ("step.cpu={request: 2, limit: 500m}", "kubeflow.step.cpu", "request (2) is above"),
    ("step.gpu={count: 0}", "kubeflow.step.gpu.count", "must be above 0"),
    ("step.timeout=90", "kubeflow.step.timeout", "must be a duration such as 30s"),
    ("step.retries={factor: 1.5}", "kubeflow.step.retries.factor", "found 1.5"),
    ("step.memori={}", "kubeflow.step.memori", "Did you mean 'memory'?"),
    ("nodes={Trainer: {gpus: 1}}", "kubeflow.nodes.Trainer.gpus", "Did you mean 'gpu'?"),
    ("secrets=[{name: mysql}]", "kubeflow.secrets.0", "is not used: give 'env'"),
    ("secrets=[{name: s, env: {PASSWORD: ''}}]", "secrets.0.env.PASSWORD", "a key of the secret"),
    ("secrets=[{name: s, env: {PASSWORD: }}]", "secrets.0.env.PASSWORD", "found None"),
    ("secrets=[{name: s, envs: {}}]", "secrets.0.envs", "Did you mean 'env'?"),
    ("secrets=[{name: My_Secret, mount_path: /s}]", "secrets.0.name", "lower-case"),
    ("secrets=[{name: s, mount_path: s}]", "secrets.0.mount_path", "an absolute path"),
    ("env={MYSQL_PASSWORD: hunter2}", "kubeflow.env", "MYSQL_PASSWORD looks like a secret"),
    ("volumes=[{claim: data, mount_path: ../x}]", "volumes.0.mount_path", "an absolute path"),
    ("volumes=[{claim: data.v1, mount_path: /d}]", "volumes.0.claim", "without '.'"),
    ("secrets=[{name: a.b, mount_path: /d}]", "secrets.0", "a mounted secret's name"),
    ("image_pull_policy=Sometimes", "kubeflow.image_pull_policy", "must be 'Always'"),
    ("exit_handler={image: 'A B', command: [x]}", "exit_handler.image", "must be an image"),
    ("exit_handler={image: curl, command: []}", "exit_handler.command", ""),
    ("schedule={cron: daily}", "kubeflow.schedule.cron", "must have five fields"),
    ("schedule={cron: '0 0 6 * * *'}", "kubeflow.schedule.cron", "found '0 0 6 * * *'"),
    ("step.tolerations=[{operator: Exists, value: x}]", "tolerations.0", "allows no 'value'"),
    ("step.tolerations=[{value: x}]", "tolerations.0", "needs a 'key'"),
]


@pytest.mark.parametrize(("setting", "where", "message"), BAD, ids=[bad[0] for bad in BAD])
def test_what_is_wrong_is_named(shop, setting, where, message):
    with pytest.raises(ConfigError) as raised:
        load(shop, setting)
    assert where in str(raised.value)
    assert message in str(raised.value)


TWICE = [
    ("secrets=[{name: a, env: {X: k}}, {name: b, env: {X: k}}]", "variable 'X'"),
    ("secrets=[{name: a, mount_path: /a}, {name: a, mount_path: /b}]", "volume 'a'"),
    ("volumes=[{claim: a, mount_path: /a}, {claim: a, mount_path: /b}]", "volume 'a'"),
    ("volumes=[{claim: a, mount_path: /d}, {claim: b, mount_path: /d/}]", "path '/d'"),
]


@pytest.mark.parametrize(("setting", "what"), TWICE)
def test_what_can_be_there_once_only(shop, setting, what):
    with pytest.raises(ConfigError, match=f"the {what} is given twice"):
        load(shop, setting)


def test_a_secret_is_never_repeated_in_the_message(shop):
    with pytest.raises(ConfigError) as raised:
        load(shop, "env={MYSQL_PASSWORD: hunter2}")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("2", 2), ("1.5", 1.5), ("1Ki", 1024), ("1M", 10**6), ("2Gi", 2**31)],
)
def test_quantities_are_compared_as_numbers(text, number):
    assert amount(text) == number


IMAGES = [
    "python",
    "python:3.10",
    "team/pipeline:1.0-rc.1",
    "localhost:5000/team/pipeline",
    "europe-docker.pkg.dev/project/repo/image:tag",
    f"ghcr.io/team/image@sha256:{'a' * 64}",
    f"ghcr.io/team/image:1@sha256:{'a' * 64}",
]


@pytest.mark.parametrize("image", IMAGES)
def test_images(image):
    assert is_image(image)


NO_IMAGES = [
    "",
    "My Image",
    "image:",
    "image:a b",
    "Upper/case",
    "a//b",
    "image@sha256:12",
    "-a",
    "a:b:c",
]


@pytest.mark.parametrize("image", NO_IMAGES)
def test_no_images(image):
    assert not is_image(image)


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("python:3.10", True),
        (f"ghcr.io/team/image@sha256:{'a' * 64}", True),
        (f"ghcr.io/team/image:latest@sha256:{'a' * 64}", True),
        ("localhost:5000/team/pipeline", False),
        ("python", False),
        ("python:latest", False),
        ("My Image:1", False),
    ],
)
def test_pinned_images(image, pinned):
    assert is_pinned_image(image) == pinned


@pytest.mark.parametrize("text", ["0.0001", "1.5m", "1k", "-1", ""])
def test_cores_are_counted_in_thousandths(text):
    assert not is_cpu(text)


@pytest.mark.parametrize("text", ["1.5Gi", "1K", "1gb", "x", ""])
def test_memory_is_a_whole_number_with_a_unit(text):
    assert not is_memory(text)


@pytest.mark.parametrize("text", ["1k", "Gi", "1.2.3", ""])
def test_what_is_not_a_quantity_has_no_amount(text):
    with pytest.raises(ValueError, match="must be a number with a Kubernetes unit"):
        amount(text)
