"""Versions come and go, servers too, and clients see none of it."""

from __future__ import annotations

import shutil
import threading

import grpc
import pytest
from google.protobuf import text_format

from tests.serving import tiny
from tests.serving.conftest import take_over
from tests.serving.harness import Asker, wait_until
from tests.serving.tiny import NAME, ONE, PREDICT, Load, answer_of
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout import model_server_config

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]


def states(ask):
    status, reply = ask.get(f"/v1/models/{NAME}")
    found = reply.get("model_version_status", [])
    return {int(one["version"]): one["state"] for one in found} if status == 200 else {}


def reason(ask, version):
    """Why a version cannot be loaded."""
    reply = ask.get(f"/v1/models/{NAME}/versions/{version}")[1]
    return reply["model_version_status"][0]["status"]["error_message"]


def test_a_new_version_answers_and_no_request_fails(tiny_server, base_path):
    ask = Asker(tiny_server)
    with Load(tiny_server) as load:
        for version in range(2, 8):
            tiny.push(base_path, version)
            wait_until(lambda version=version: states(ask) == {version: "AVAILABLE"})
            assert ask.post(PREDICT, ONE) == (200, answer_of(version))
    assert load.failures == []
    assert set(load.answers) == {1.0 + version for version in range(1, 8)}


def test_a_request_ends_on_the_version_it_began_with(tiny_server, base_path):
    ask, found = Asker(tiny_server), []
    rounds = tiny.ROUNDS_A_SECOND * 4

    def ask_slowly():
        body = {"signature_name": "slow", "inputs": [rounds]}
        found.append(ask.post(PREDICT, body))

    asking = threading.Thread(target=ask_slowly)
    asking.start()
    tiny.push(base_path, 2)
    wait_until(lambda: ask.post(PREDICT, ONE)[1] == answer_of(2))
    asking.join()
    assert found == [(200, {"outputs": [1.0]})]
    wait_until(lambda: states(ask) == {2: "AVAILABLE"})


def test_a_version_that_cannot_be_loaded_displaces_nothing(tiny_server, base_path):
    ask = Asker(tiny_server)
    (base_path / "2").mkdir()
    wait_until(lambda: states(ask) == {1: "AVAILABLE", 2: "END"})
    (base_path / "2" / "saved_model.pb").write_bytes(b"nonsense")
    wait_until(lambda: tiny_server.log().count(f"{base_path}/2") and "parse" in reason(ask, 2))
    assert ask.post(PREDICT, ONE) == (200, answer_of(1))
    assert ask.post(f"/v1/models/{NAME}/versions/2:predict", ONE)[0] == 404


def test_a_half_copied_version_is_taken_when_it_is_whole(tiny_server, base_path, tmp_path):
    ask = Asker(tiny_server)
    tiny.save(tmp_path / "whole", 2)
    shutil.copytree(tmp_path / "whole", base_path / "2", ignore=shutil.ignore_patterns("var*"))
    wait_until(lambda: states(ask) == {1: "AVAILABLE", 2: "END"})
    assert ask.post(PREDICT, ONE) == (200, answer_of(1))
    shutil.copytree(tmp_path / "whole", base_path / "2", dirs_exist_ok=True)
    wait_until(lambda: states(ask) == {2: "AVAILABLE"})
    assert ask.post(PREDICT, ONE) == (200, answer_of(2))


def test_a_deleted_version_is_unloaded_and_the_one_before_answers(tiny_server, base_path):
    ask = Asker(tiny_server)
    tiny.push(base_path, 2)
    wait_until(lambda: states(ask) == {2: "AVAILABLE"})
    shutil.rmtree(base_path / "2")
    wait_until(lambda: states(ask) == {1: "AVAILABLE"})
    assert ask.post(PREDICT, ONE) == (200, answer_of(1))


def test_a_base_path_without_versions_waits_for_one(base_path, shared):
    server = take_over(shared, base_path)
    ask = Asker(server)
    assert "no versions" in server.log()
    assert ask.post(PREDICT, ONE)[0] == 404
    tiny.push(base_path, 1)
    wait_until(lambda: ask.post(PREDICT, ONE) == (200, answer_of(1)))


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
    ask = Asker(shared)
    ask.model("HandleReloadConfigRequest", request)
    found = {name: ask.get(f"/v1/models/{name}")[1]["model_version_status"] for name in policies}
    versions = {name: [one["version"] for one in status] for name, status in found.items()}
    assert versions == {"latest": ["3", "2"], "every": ["3", "2", "1"], "chosen": ["2"]}
    assert ask.post("/v1/models/chosen:predict", ONE) == (200, answer_of(2))


def test_a_configuration_is_reloaded(tiny_server, base_path):
    ask = Asker(tiny_server)
    request = protos.message("ReloadConfigRequest")()
    request.config.CopyFrom(model_server_config.single("other", base_path))
    labels = request.config.model_config_list.config[0].version_labels
    labels["stable"] = 7
    with pytest.raises(grpc.RpcError) as caught:
        ask.model("HandleReloadConfigRequest", request)
    assert caught.value.code().name == "FAILED_PRECONDITION"
    assert "assign label to version 7 of model other" in caught.value.details()
    assert ask.post(PREDICT, ONE)[0] == 200
    del labels["stable"]
    ask.model("HandleReloadConfigRequest", request)
    assert ask.post("/v1/models/other:predict", ONE) == (200, answer_of(1))
    assert ask.post(PREDICT, ONE)[0] == 404


def test_a_polled_configuration_moves_labels(base_path, started, tmp_path):
    for version in (1, 2):
        tiny.push(base_path, version)
    config = tmp_path / "models.config"

    def point_to(version):
        text = model_server_config.single(NAME, base_path)
        model = text.model_config_list.config[0]
        model.model_version_policy.specific.versions.append(version)
        model.version_labels["stable"] = version
        model_server_config.write(config, text)

    point_to(1)
    options = ("--model-config-file-poll-wait-seconds", "1")
    server = started("--model-config-file", config, *options)
    ask, path = Asker(server), f"/v1/models/{NAME}/labels/stable:predict"
    assert ask.post(path, ONE) == (200, answer_of(1))
    answers = []
    point_to(2)
    wait_until(lambda: answers.append(ask.post(path, ONE)) or answers[-1][1] == answer_of(2))
    assert {status for status, _ in answers} == {200}
    config.write_text("nonsense {")
    wait_until(lambda: "the configuration stays as it was" in server.log())
    assert ask.post(path, ONE) == (200, answer_of(2))
