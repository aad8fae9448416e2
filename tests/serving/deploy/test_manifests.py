"""The manifests fit Kubernetes' own models and are safe; invalid settings are refused."""

from __future__ import annotations

import pathlib
import re

import pytest
from google.protobuf import text_format
from ruamel.yaml import YAML

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.serving import deploy
from tfx_pipeline.serving.deploy.spec import DeploymentSpec
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout.traffic_state import State

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "serving"

TRIAL = State(labels={"stable": 1, "canary": 2}, canary_percent=20)


def deployment(**changes):
    values = {
        "model": "chicago-taxi",
        "push_dir": "/project/build/serving/chicago-taxi",
        "canary_uri": "pvc://chicago-taxi-models/canary",
        "state": TRIAL,
    }
    return DeploymentSpec(**{**values, **changes})


def documents(target, **changes):
    texts = deploy.render(target, deployment(**changes))
    return [
        document
        for name, text in texts.items()
        if name.endswith(".yaml")
        for document in YAML(typ="safe").load_all(text)
    ]


@pytest.mark.parametrize("target", deploy.TARGETS)
def test_the_golden_files(target, golden):
    """Refresh them with: pytest tests/serving/deploy/test_deploy.py --golden"""
    for name, text in deploy.render(target, deployment()).items():
        golden(GOLDEN / target / name, text)


def check(value, kind, where=""):
    """Compares a value with Kubernetes' generated model of that name."""
    from kubernetes.client import models

    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        assert isinstance(value, list), where
        for number, item in enumerate(value):
            check(item, inner[1], f"{where}[{number}]")
    elif inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        assert isinstance(value, dict), where
        for key, item in value.items():
            assert isinstance(key, str), where
            check(item, inner[1], f"{where}.{key}")
    elif hasattr(models, kind):
        model = getattr(models, kind)
        names = {json_name: name for name, json_name in model.attribute_map.items()}
        assert set(value) <= set(names), f"{where}: {set(value) - set(names)} unknown to {kind}"
        for json_name, item in value.items():
            check(item, model.openapi_types[names[json_name]], f"{where}.{json_name}")
        # The constructor raises if a required value is missing.
        model(**{names[json_name]: item for json_name, item in value.items()})
    else:
        types = {"str": str, "int": int, "bool": bool, "object": (str, int, dict)}
        assert isinstance(value, types[kind]), f"{where}: {value!r} is not a {kind}"


KINDS = {
    "ConfigMap": "V1ConfigMap",
    "Deployment": "V1Deployment",
    "Service": "V1Service",
    "HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler",
}


def test_kubernetes_accepts_its_objects():
    found = documents("kubernetes")
    assert [document["kind"] for document in found] == [*KINDS]
    for document in found:
        check(document, KINDS[document["kind"]], document["kind"])


def test_the_check_finds_what_is_wrong():
    deployment = documents("kubernetes")[1]
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(AssertionError, match="imagePullPolice"):
        check(deployment, "V1Deployment")
    del deployment["spec"]["template"]["spec"]["containers"][0]
    deployment["spec"]["replicas"] = "two"
    with pytest.raises(AssertionError, match="replicas"):
        check(deployment, "V1Deployment")


def pods(target):
    """Pod specs and their containers."""
    document = documents(target)[1 if target == "kubernetes" else 0]
    if target == "kubernetes":
        spec = document["spec"]["template"]["spec"]
        return [(spec, spec["containers"])]
    if target == "kserve":
        predictor = document["spec"]["predictor"]
        return [(predictor, [predictor["model"]])]
    specs = [p["componentSpecs"][0]["spec"] for p in document["spec"]["predictors"]]
    return [(spec, spec["containers"]) for spec in specs]


@pytest.mark.parametrize("target", ["kubernetes", "kserve", "seldon"])
def test_pods_are_confined(target):
    for spec, containers in pods(target):
        check(spec["securityContext"], "V1PodSecurityContext")
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        for container in containers:
            check(container["securityContext"], "V1SecurityContext")
            check(container["resources"], "V1ResourceRequirements")
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["resources"]["limits"]


def test_compose_is_confined_and_pinned():
    service = documents("compose")[0]["services"]["serving"]
    assert service["image"] == "tensorflow/serving:2.16.1"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert not service["user"].startswith("0")
    assert all(volume["read_only"] for volume in service["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("target", deploy.TARGETS)
def test_no_secrets(target):
    for text in deploy.render(target, deployment()).values():
        assert not re.search("(?i)secret|password|credential", text)


def test_the_configuration_contains_the_labels():
    config_map = documents("kubernetes")[0]["data"]["models.config"]
    config = text_format.Parse(config_map, protos.message("ModelServerConfig")())
    (model,) = config.model_config_list.config
    assert dict(model.version_labels) == {"stable": 1, "canary": 2}
    assert model.base_path == "/models/chicago-taxi"
    assert deploy.render("compose", deployment())["models.config"] == config_map


def test_kserve_names_a_runtime_that_is_new_enough():
    predictor = documents("kserve")[0]["spec"]["predictor"]
    assert predictor["model"]["runtimeVersion"] == "2.16.1"
    assert predictor["model"]["storageUri"] == "pvc://chicago-taxi-models/canary"
    assert predictor["canaryTrafficPercent"] == 20
    alone = documents("kserve", state=State(labels={"stable": 1}))[0]["spec"]["predictor"]
    assert "canaryTrafficPercent" not in alone
    assert alone["model"]["storageUri"] == "pvc://chicago-taxi-models/chicago-taxi"


def test_seldon_shares_all_of_the_traffic():
    stable, canary = documents("seldon")[0]["spec"]["predictors"]
    assert stable["traffic"] + canary["traffic"] == 100
    assert (canary["name"], canary["traffic"]) == ("canary", 20)
    assert canary["graph"]["modelUri"] == "pvc://chicago-taxi-models/canary"
    names = {canary["graph"]["name"], canary["componentSpecs"][0]["spec"]["containers"][0]["name"]}
    assert names == {"chicago-taxi"}


REFUSED = [
    ("kserve", {"state": State.model_construct(labels={}, canary_percent=250)},
     "canary-percent: must be from 0 to 100, found 250"),
    ("seldon", {"state": State(labels=TRIAL.labels, canary_percent=0.5)}, "whole number"),
    ("kserve", {"canary_uri": None}, "canary-uri: is not given"),
    ("kubernetes", {"model": "Chicago_Taxi"}, "model: must be lower-case letters"),
    ("kubernetes", {"model": "x" * 64}, "at most 63"),
    ("kubernetes", {"namespace": "a b"}, "namespace: must be"),
    ("kubernetes", {"model_uri": "s3://bucket/x"}, "a pod cannot mount s3://bucket/x"),
    ("kserve", {"model_uri": "ftp://x"}, "model-uri: must be pvc://"),
    ("kserve", {"model_uri": "https://me:pw@host/x"}, "contains a password"),
    ("kserve", {"model_uri": "pvc://Claim/x"}, "'Claim' is not a valid name"),
    ("compose", {"image": "tensorflow/serving"}, "must be pinned"),
    ("compose", {"image": "tensorflow/serving:latest"}, "must be pinned"),
    ("compose", {"cpu": "1x"}, "cpu: must be cores"),
    ("compose", {"cpu": "1m"}, "cpu: must be cores"),
    ("compose", {"memory": "3"}, "memory: must be"),
    ("compose", {"memory": "1Mi"}, "memory: must be"),
    ("compose", {"min_replicas": 3, "max_replicas": 2}, "1 <= min <= max"),
    ("compose", {"min_replicas": 0}, "1 <= min <= max"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "changes", "message"), REFUSED)
def test_an_invalid_deployment_is_refused(target, changes, message):
    with pytest.raises(ConfigError) as caught:
        deploy.render(target, deployment(**changes))
    assert message in str(caught.value)


def test_all_problems_at_once():
    with pytest.raises(ConfigError) as caught:
        deploy.render("compose", deployment(cpu="x", memory="x", image="x"))
    assert "The deployment has 3 problems" in str(caught.value)


def test_the_command(shop, invoke, tmp_path):
    done = invoke("compile", "serving", "--target", "kubernetes", "--config", shop,
                        "--output", tmp_path / "deploy")  # fmt: skip
    assert done.returncode == 0, done.stderr
    file = tmp_path / "deploy" / "kubernetes" / "serving.yaml"
    assert done.stdout.split() == [str(file)]
    assert len(list(YAML(typ="safe").load_all(file.read_text()))) == 4
    wrong = invoke("compile", "serving", "--target", "compose", "--config", shop,
                         "--cpu", "many", "--output", tmp_path / "no")  # fmt: skip
    assert wrong.returncode == 2
    assert "cpu: must be cores" in wrong.stderr
    assert not (tmp_path / "no").exists()
