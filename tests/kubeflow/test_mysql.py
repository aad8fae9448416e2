"""ML Metadata on a real MariaDB."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.kubeflow import mariadb
from tfx_pipeline import errors, metadata

pytestmark = pytest.mark.e2e  # needs a server that apt-get installs

PROGRAM = """
import sys
from tfx_pipeline import metadata
store = metadata.open_store(metadata.connection_config(sys.argv[1], "unused"))
print(len(store.get_contexts()))
"""


@pytest.fixture
def password(monkeypatch):
    monkeypatch.setenv(metadata.PASSWORD_VARIABLE, mariadb.PASSWORD)


def open_store(uri):
    return metadata.open_store(metadata.connection_config(uri, "unused"))


def test_several_processes_may_begin_on_an_empty_database(server):
    env = {**os.environ, metadata.PASSWORD_VARIABLE: mariadb.PASSWORD}
    command = [sys.executable, "-c", PROGRAM, server.uri("together")]
    starts = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE) for _ in range(6)]
    ends = [(start.communicate()[1].decode(), start.returncode) for start in starts]
    assert [code for _, code in ends] == [0] * 6, ends
    assert len(server.query("SELECT schema_version FROM MLMDEnv", "together")) == 1


def test_a_wrong_password_is_one_clear_error(server, monkeypatch):
    monkeypatch.setenv(metadata.PASSWORD_VARIABLE, "wrong")
    with pytest.raises(errors.PipelineError, match="Access denied for user 'tfx'") as raised:
        open_store(server.uri("any"))
    assert metadata.PASSWORD_VARIABLE in str(raised.value)
    assert "wrong" not in str(raised.value)


def test_a_server_that_is_not_there_is_one_clear_error():
    with pytest.raises(errors.PipelineError, match=r"MySQL at 127\.0\.0\.1:1 as tfx"):
        open_store("mysql://tfx@127.0.0.1:1/any")


def test_nested_json_and_backslashes_are_kept(server, password):
    from ml_metadata.proto import metadata_store_pb2 as pb

    store = open_store(server.uri("backslashes"))
    text = '{"a": "\\\\n \\"quoted\\" \\u00e4"}'
    kind = store.put_context_type(pb.ContextType(name="t", properties={"p": pb.STRING}))
    context = pb.Context(type_id=kind, name="c")
    context.properties["p"].string_value = text
    store.put_contexts([context])
    assert store.get_contexts()[0].properties["p"].string_value == text


def test_rights_on_its_own_database_are_enough(server, password):
    uri = server.uri(mariadb.LIMITED).replace(mariadb.USER, mariadb.LIMITED, 1)
    assert open_store(uri).get_contexts() == []


def test_another_database_is_not_kept_waiting(server, password):
    from tfx_pipeline import mysql

    config = metadata.with_password(metadata.connection_config(server.uri("held"), "unused"))
    with mysql.lock(config.mysql):
        open_store(server.uri("free"))


def test_a_lock_that_is_not_given_is_one_clear_error(server, password, monkeypatch):
    from tfx_pipeline import mysql

    monkeypatch.setattr(mysql, "WAIT_SECONDS", 1)
    config = metadata.with_password(metadata.connection_config(server.uri("held"), "unused"))
    with (
        mysql.lock(config.mysql),
        pytest.raises(errors.PipelineError, match="another process has held the lock"),
    ):
        open_store(server.uri("held"))
