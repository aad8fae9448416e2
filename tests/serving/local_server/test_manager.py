"""Which versions are loaded, and which one answers. The models are only folders."""

from __future__ import annotations

import pytest

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.local_server.manager import Manager
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.rollout import model_server_config

NAME = "shop"


class Folder:
    """Used instead of a loaded model: loading a real one takes TensorFlow and seconds."""

    def __init__(self, path):
        self.path, self.is_closed = path, False

    def close(self):
        self.is_closed = True


def load(served):
    with open(f"{served.folder.path}/saved_model.pb") as file:
        content = file.read()
        if content == "broken":
            raise ServingError("INVALID_ARGUMENT", "broken")
        if content == "unexpected":
            raise KeyError("unexpected")
    return Folder(served.folder.path)


@pytest.fixture
def manager():
    return Manager(load)


@pytest.fixture
def push(tmp_path):
    def make(version, content=""):
        (tmp_path / str(version)).mkdir(exist_ok=True)
        (tmp_path / str(version) / "saved_model.pb").write_text(content)

    return make


def config(tmp_path, *, specific=(), labels=()):
    result = model_server_config.single(NAME, tmp_path)
    model = result.model_config_list.config[0]
    model.model_version_policy.specific.versions.extend(specific)
    if not specific:
        model.ClearField("model_version_policy")
    for label, version in dict(labels).items():
        model.version_labels[label] = version
    return result


def spec(version=None, label=None):
    found = protos.message("ModelSpec")(name=NAME)
    if version is not None:
        found.version.value = version
    if label is not None:
        found.version_label = label
    return found


def answering(manager, *args):
    with manager.acquire(spec(*args)) as served:
        return served.version


def state(manager, version):
    (found,) = manager.status(spec(version)).model_version_status
    return found.State.Name(found.state)


def test_the_newest_version_answers(manager, push, tmp_path):
    push(1)
    manager.configure(config(tmp_path))
    assert answering(manager) == 1
    push(2)
    manager.poll()
    assert answering(manager) == 2
    assert manager.available_versions() == {NAME: {2}}


def test_a_broken_version_replaces_nothing_and_is_tried_again_when_it_changes(
    manager, push, tmp_path
):
    push(1)
    manager.configure(config(tmp_path))
    push(2, "broken")
    manager.poll()
    manager.poll()
    assert answering(manager) == 1
    assert "broken" in str(manager.status(spec(2)))
    push(2, "repaired")
    manager.poll()
    assert answering(manager) == 2


def test_an_unexpected_error_ends_only_the_loading(manager, push, tmp_path):
    push(1)
    push(2, "unexpected")
    manager.configure(config(tmp_path, specific=[1, 2]))
    assert answering(manager) == 1
    assert state(manager, 2) == "END"
    assert "KeyError: " in str(manager.status(spec(2)))


def test_unloaded_versions_are_reported_and_can_come_back(manager, push, tmp_path):
    push(1)
    push(2)
    manager.configure(config(tmp_path, specific=[1]))
    manager.configure(config(tmp_path, specific=[2]))
    assert (state(manager, 1), state(manager, 2)) == ("END", "AVAILABLE")
    manager.configure(config(tmp_path, specific=[1]))
    assert (state(manager, 1), state(manager, 2)) == ("AVAILABLE", "END")
    manager.configure(model_server_config.single("other", tmp_path))
    assert state(manager, 1) == "END"
    manager.configure(config(tmp_path, specific=[1]))
    assert answering(manager) == 1


def test_a_new_model_that_cannot_be_loaded_is_reported(manager, push, tmp_path):
    push(1, "broken")
    error = manager.configure(config(tmp_path))
    assert str(error) == (
        "UNKNOWN: 1 model(s) did not become available: "
        "{{{name: shop version: 1} due to error: INVALID_ARGUMENT: broken}, }"
    )
    assert manager.configure(config(tmp_path)) is None  # as TensorFlow Serving: it is not new


@pytest.mark.parametrize("version", [2**63 - 1, 1700000000123456789])
def test_versions_may_have_19_digits(manager, push, tmp_path, version):
    push(5)
    push(version)
    push(2**63)  # no int64, so no version
    manager.configure(config(tmp_path))
    assert answering(manager) == version


def test_a_path_that_no_file_system_has(manager):
    assert manager.configure(model_server_config.single(NAME, "/a\0b")) is None
    assert manager.available_versions() == {NAME: set()}


def test_a_chosen_version_that_is_not_there_replaces_nothing(manager, push, tmp_path):
    push(1)
    manager.configure(config(tmp_path, specific=[1]))
    manager.configure(config(tmp_path, specific=[7]))
    assert answering(manager) == 1
    push(7)
    manager.poll()
    assert manager.available_versions() == {NAME: {7}}


def test_a_version_is_closed_when_its_last_request_has_ended(manager, push, tmp_path):
    push(1)
    manager.configure(config(tmp_path))
    with manager.acquire(spec()) as served:
        servable = served.servable
        push(2)
        manager.poll()  # does not wait for the request
        assert answering(manager) == 2
        assert state(manager, 1) == "UNLOADING"
        assert not servable.is_closed
    while state(manager, 1) != "END":
        pass
    assert servable.is_closed


def test_a_label_stays_until_its_new_version_answers(manager, push, tmp_path):
    push(1)
    manager.configure(config(tmp_path, specific=[1], labels={"stable": 1}))
    manager.configure(config(tmp_path, specific=[2], labels={"stable": 2}))
    assert answering(manager, None, "stable") == 1
    push(2)
    manager.poll()
    assert answering(manager, None, "stable") == 2


def test_a_label_moves_before_its_old_version_is_unloaded(manager, push, tmp_path):
    push(1)
    push(2)
    manager.configure(config(tmp_path, specific=[1], labels={"stable": 1}))
    after = config(tmp_path, specific=[2], labels={"stable": 2})
    with manager.acquire(spec()) as served:
        manager.configure(after)
        assert served.state == "UNLOADING"
        assert answering(manager, None, "stable") == 2


def test_strict_labels_are_refused_and_nothing_changes(manager, push, tmp_path):
    push(1)
    manager.configure(config(tmp_path))
    with pytest.raises(ServingError, match="version 2 of model shop, which is not currently"):
        manager.configure(config(tmp_path, labels={"stable": 2}), strict_labels=True)
    assert answering(manager) == 1


def test_a_base_path_that_vanishes_unloads_nothing(manager, push, tmp_path):
    push(1)
    manager.configure(config(tmp_path))
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    manager.poll()
    assert answering(manager) == 1


def test_a_model_that_is_no_longer_listed_goes(manager, push, tmp_path):
    push(1)
    manager.configure(config(tmp_path))
    other = config(tmp_path)
    other.model_config_list.config[0].name = "other"
    manager.configure(other)
    assert manager.available_versions() == {"other": {1}}


WRONG = {
    "model_config_list { config { name: 'a' } config { name: 'a' } }": "to have an absolute path",
    "model_config_list { config { name: 'a' base_path: '/x' model_platform: 'caffe' } }":
        "PlatformConfigMap has no entry for platform caffe",
    "model_config_list { config { name: 'a' base_path: '/x' } }": "Illegal setting neither",
    "model_config_list { config { name: 'a' base_path: '/x' model_platform: 'tensorflow' } "
    "config { name: 'a' base_path: '/x' model_platform: 'tensorflow' } }":
        "Illegal to list model a multiple times",
    "": "ServerModelConfig type not supported",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_configuration(manager, text, tmp_path):
    (tmp_path / "models.config").write_text(text)
    with pytest.raises(ServingError) as caught:
        manager.configure(model_server_config.read(tmp_path / "models.config"))
    assert WRONG[text] in caught.value.message
