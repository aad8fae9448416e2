"""Versions are pushed, replaced and deleted while clients send requests."""

from __future__ import annotations

import shutil
import threading

import grpc
import pytest
from google.protobuf import text_format

from tests.serving import tiny
from tests.serving.conftest import reload_config
from tests.serving.harness import RawClient, wait_until
from tests.serving.tiny import NAME, ONE, PREDICT, Load, answer_of
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout import model_server_config

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]


def states(raw_client):
    """The states of all versions but those that were unloaded, perhaps by another test."""
    status, reply = raw_client.get(f"/v1/models/{NAME}")
    found = reply.get("model_version_status", []) if status == 200 else []
    return {
        int(one["version"]): one["state"]
        for one in found
        if one["state"] != "END" or one["status"]["error_code"] != "OK"
    }


def state(raw_client, version):
    reply = raw_client.get(f"/v1/models/{NAME}/versions/{version}")[1]
    return reply["model_version_status"][0]["state"]


def reason(raw_client, version):
    """Why a version cannot be loaded."""
    reply = raw_client.get(f"/v1/models/{NAME}/versions/{version}")[1]
    return reply["model_version_status"][0]["status"]["error_message"]


def test_a_new_version_answers_and_no_request_fails(tiny_server, base_path):
    raw_client = RawClient(tiny_server)
    with Load(tiny_server) as load:
        for version in range(2, 8):
            tiny.push(base_path, version)
            wait_until(lambda version=version: states(raw_client) == {version: "AVAILABLE"})
            assert raw_client.post(PREDICT, ONE) == (200, answer_of(version))
    assert load.failures == []
    assert set(load.answers) == {1.0 + version for version in range(1, 8)}


def test_a_request_ends_on_the_version_it_began_with(tiny_server, base_path):
    raw_client, found = RawClient(tiny_server), []
    rounds = tiny.ROUNDS_A_SECOND * 4

    def send_slow_request():
        body = {"signature_name": "slow", "inputs": [rounds]}
        found.append(raw_client.post(PREDICT, body))

    sender = threading.Thread(target=send_slow_request)
    sender.start()
    tiny.push(base_path, 2)
    wait_until(lambda: raw_client.post(PREDICT, ONE)[1] == answer_of(2))
    sender.join()
    assert found == [(200, {"outputs": [1.0]})]
    wait_until(lambda: states(raw_client) == {2: "AVAILABLE"})


def test_a_version_that_cannot_be_loaded_replaces_nothing(tiny_server, base_path):
    raw_client = RawClient(tiny_server)
    (base_path / "2").mkdir()
    wait_until(lambda: states(raw_client) == {1: "AVAILABLE", 2: "END"})
    (base_path / "2" / "saved_model.pb").write_bytes(b"nonsense")
    wait_until(
        lambda: tiny_server.log().count(f"{base_path}/2") and "parse" in reason(raw_client, 2)
    )
    assert raw_client.post(PREDICT, ONE) == (200, answer_of(1))
    assert raw_client.post(f"/v1/models/{NAME}/versions/2:predict", ONE)[0] == 404


def test_a_half_copied_version_is_loaded_when_it_is_complete(tiny_server, base_path, tmp_path):
    raw_client = RawClient(tiny_server)
    tiny.save(tmp_path / "whole", 2)
    shutil.copytree(tmp_path / "whole", base_path / "2", ignore=shutil.ignore_patterns("var*"))
    wait_until(lambda: states(raw_client) == {1: "AVAILABLE", 2: "END"})
    assert raw_client.post(PREDICT, ONE) == (200, answer_of(1))
    shutil.copytree(tmp_path / "whole", base_path / "2", dirs_exist_ok=True)
    wait_until(lambda: states(raw_client) == {2: "AVAILABLE"})
    assert raw_client.post(PREDICT, ONE) == (200, answer_of(2))


def test_a_deleted_version_is_unloaded_and_the_one_before_answers(tiny_server, base_path):
    raw_client = RawClient(tiny_server)
    tiny.push(base_path, 2)
    wait_until(lambda: states(raw_client) == {2: "AVAILABLE"})
    shutil.rmtree(base_path / "2")
    wait_until(lambda: states(raw_client) == {1: "AVAILABLE"})
    assert state(raw_client, 2) == "END"
    assert raw_client.post(PREDICT, ONE) == (200, answer_of(1))


def test_a_base_path_without_versions_waits_for_one(base_path, shared):
    server = reload_config(shared, base_path)
    raw_client = RawClient(server)
    assert "no versions" in server.log()
    assert raw_client.post(PREDICT, ONE)[0] == 404
    tiny.push(base_path, 1)
    wait_until(lambda: raw_client.post(PREDICT, ONE) == (200, answer_of(1)))


def test_policies_and_several_models(base_path, shared):
    for version in (1, 2, 3):
        tiny.push(base_path, version)
    policies = {"latest": "latest { num_versions: 2 }", "every": "all {}"}
    policies["chosen"] = "specific { versions: 2 }"
    request = protos.message("ReloadConfigRequest")()
    for name, policy in policies.items():
        model = request.config.model_config_list.config.add(name=name, base_path=str(base_path))
        model.model_platform = "tensorflow"
        text_format.Parse(policy, model.model_version_policy)
    raw_client = RawClient(shared)
    raw_client.model("HandleReloadConfigRequest", request)
    found = {
        name: raw_client.get(f"/v1/models/{name}")[1]["model_version_status"] for name in policies
    }
    versions = {name: [one["version"] for one in status] for name, status in found.items()}
    assert versions == {"latest": ["3", "2"], "every": ["3", "2", "1"], "chosen": ["2"]}
    assert raw_client.post("/v1/models/chosen:predict", ONE) == (200, answer_of(2))


def test_a_configuration_is_reloaded(tiny_server, base_path):
    raw_client = RawClient(tiny_server)
    request = protos.message("ReloadConfigRequest")()
    request.config.CopyFrom(model_server_config.single("other", base_path))
    labels = request.config.model_config_list.config[0].version_labels
    labels["stable"] = 7
    with pytest.raises(grpc.RpcError) as caught:
        raw_client.model("HandleReloadConfigRequest", request)
    assert caught.value.code().name == "FAILED_PRECONDITION"
    assert "assign label to version 7 of model other" in caught.value.details()
    assert raw_client.post(PREDICT, ONE)[0] == 200
    del labels["stable"]
    raw_client.model("HandleReloadConfigRequest", request)
    assert raw_client.post("/v1/models/other:predict", ONE) == (200, answer_of(1))
    assert raw_client.post(PREDICT, ONE)[0] == 404


def test_a_polled_configuration_moves_labels(own_server, base_path):
    tiny.push(base_path, 2)

    def point_to(version):
        config = model_server_config.single(NAME, base_path)
        model = config.model_config_list.config[0]
        model.model_version_policy.specific.versions.append(version)
        model.version_labels["stable"] = version
        model_server_config.write(own_server.config, config)

    raw_client, path = RawClient(own_server), f"/v1/models/{NAME}/labels/stable:predict"
    point_to(1)
    wait_until(lambda: raw_client.post(path, ONE) == (200, answer_of(1)))
    answers = []
    point_to(2)
    wait_until(lambda: answers.append(raw_client.post(path, ONE)) or answers[-1][1] == answer_of(2))
    assert {status for status, _ in answers} == {200}
    own_server.config.write_text("nonsense {")
    wait_until(lambda: f"unchanged: {own_server.config}" in own_server.log())
    assert raw_client.post(path, ONE) == (200, answer_of(2))
