"""The manifests in deploy/kubeflow: that they fit each other and the bundled example."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from tests.orchestrators.kubeflow.plans import REPOSITORY
from tfx_pipeline import load_config

FOLDER = REPOSITORY / "deploy" / "kubeflow"


def load(path):
    return list(YAML(typ="safe", pure=True).load_all(path.read_text()))


@pytest.fixture(scope="module")
def section():
    return load_config(REPOSITORY / "pipeline.yaml").kubeflow


@pytest.fixture(scope="module")
def objects():
    files = [FOLDER / name for name in load(FOLDER / "kustomization.yaml")[0]["resources"]]
    files.append(FOLDER / "serving" / "serving.yaml")
    return [document for file in files for document in load(file)]


def pods(objects):
    return [o["spec"]["template"]["spec"] for o in objects if "template" in o.get("spec", {})]


def containers(objects):
    return [c for p in pods(objects) for c in [*p.get("initContainers", []), *p["containers"]]]


def templates():
    return {
        path.name.removesuffix(".env.template"): [
            line.partition("=") for line in path.read_text().split()
        ]
        for path in FOLDER.glob("*.env.template")
    }


def test_every_file_is_applied():
    for folder in (FOLDER, FOLDER / "serving"):
        named = set(load(folder / "kustomization.yaml")[0]["resources"])
        assert named == {p.name for p in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_templates_of_secrets_hold_no_values():
    assert all(value == "" for rows in templates().values() for _, _, value in rows)


def test_filled_in_secrets_are_never_committed():
    assert "deploy/**/*.env" in (REPOSITORY / ".gitignore").read_text().splitlines()


def test_the_examples_secrets_have_their_keys(section):
    made = load(FOLDER / "kustomization.yaml")[0]["secretGenerator"]
    keys = {
        secret["name"]: {key for key, _, _ in templates()[secret["envs"][0].removesuffix(".env")]}
        for secret in made
    }
    for secret in section.secrets:
        assert set(secret.env.values()) == keys[secret.name]


def test_pods_read_only_secrets_that_are_there(objects):
    made = {s["name"] for s in load(FOLDER / "kustomization.yaml")[0]["secretGenerator"]}
    read = re.findall(r"'secretKeyRef': \{'name': '([^']+)'", str(pods(objects)))
    assert set(read) == made


def test_the_example_names_the_services_and_the_account(section, objects):
    names = {(o["kind"], o["metadata"]["name"]) for o in objects}
    host, port = section.env["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    assert ("Service", host) in names
    assert ("ServiceAccount", section.service_account) in names
    ports = [p["port"] for o in objects if o["metadata"]["name"] == host and o["kind"] == "Service"
             for p in o["spec"]["ports"]]  # fmt: skip
    assert ports == [int(port)]


def test_services_select_pods(objects):
    labels = [
        o["spec"]["template"]["metadata"]["labels"]
        for o in objects
        if o["kind"] in ("StatefulSet", "Deployment")
    ]
    for service in (o for o in objects if o["kind"] == "Service"):
        assert service["spec"]["selector"] in labels


def test_images_are_pinned_and_pods_are_not_root(objects):
    for container in containers(objects):
        assert re.fullmatch(r"[a-z/]+:\w[\w.-]+", container["image"])
        assert not container["image"].endswith(":latest")
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods(objects))


def test_the_served_model_is_what_the_example_pushes(objects):
    config = load_config(REPOSITORY / "pipeline.yaml", root="s3://pipelines/runs")
    script = next(c["args"][0] for c in containers(objects) if c["name"] == "models")
    assert config.push_dir.replace("s3://", "store/") in script


def test_the_documented_section_is_right(shop):
    text = (REPOSITORY / "docs" / "kubeflow.md").read_text()
    block = re.search(r"```yaml\n(kubeflow:.*?)```", text, re.DOTALL)[1]
    shop.write_text(shop.read_text() + block)
    section = load_config(shop).kubeflow
    assert section.nodes["Trainer"].gpu.count == 1
    assert set(type(section).model_fields) == section.model_fields_set
