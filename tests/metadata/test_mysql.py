"""ML Metadata on a real MariaDB."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import mariadb
from tfx_pipeline import errors
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.metadata import database

pytestmark = pytest.mark.e2e  # needs a server that apt-get installs

PROGRAM = """
import sys
from tfx_pipeline.metadata import database
store = database.open_store(database.connection_config(sys.argv[1], "unused"))
print(len(store.get_contexts()))
"""


@pytest.fixture
def password(monkeypatch):
    monkeypatch.setenv(METADATA_PASSWORD, mariadb.PASSWORD)


def open_store(uri):
    return database.open_store(database.connection_config(uri, "unused"))


def test_several_processes_may_begin_on_an_empty_database(mariadb_server):
    env = {**os.environ, METADATA_PASSWORD: mariadb.PASSWORD}
    command = [sys.executable, "-c", PROGRAM, mariadb_server.uri("together")]
    starts = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE) for _ in range(6)]
    ends = [(start.communicate()[1].decode(), start.returncode) for start in starts]
    assert [code for _, code in ends] == [0] * 6, ends
    assert len(mariadb_server.query("SELECT schema_version FROM MLMDEnv", "together")) == 1


def test_a_wrong_password_is_one_clear_error(mariadb_server, monkeypatch):
    monkeypatch.setenv(METADATA_PASSWORD, "wrong")
    with pytest.raises(errors.PipelineError, match="Access denied for user 'tfx'") as raised:
        open_store(mariadb_server.uri("any"))
    assert METADATA_PASSWORD in str(raised.value)
    assert "wrong" not in str(raised.value)


def test_a_server_that_is_not_there_is_one_clear_error():
    with pytest.raises(errors.PipelineError, match=r"MySQL at 127\.0\.0\.1:1 as tfx"):
        open_store("mysql://tfx@127.0.0.1:1/any")


def test_nested_json_and_backslashes_are_kept(mariadb_server, password):
    from ml_metadata.proto import metadata_store_pb2 as pb

    store = open_store(mariadb_server.uri("backslashes"))
    text = '{"a": "\\\\n \\"quoted\\" \\u00e4"}'
    kind = store.put_context_type(pb.ContextType(name="t", properties={"p": pb.STRING}))
    context = pb.Context(type_id=kind, name="c")
    context.properties["p"].string_value = text
    store.put_contexts([context])
    assert store.get_contexts()[0].properties["p"].string_value == text


def test_rights_on_its_own_database_are_enough(mariadb_server, password):
    uri = mariadb_server.uri(mariadb.LIMITED).replace(mariadb.USER, mariadb.LIMITED, 1)
    assert open_store(uri).get_contexts() == []


def test_another_database_is_not_kept_waiting(mariadb_server, password):
    from tfx_pipeline.metadata import schema_lock

    config = database.with_password(
        database.connection_config(mariadb_server.uri("held"), "unused")
    )
    with schema_lock.lock(config.mysql):
        open_store(mariadb_server.uri("free"))


def test_a_lock_that_is_not_given_is_one_clear_error(mariadb_server, password, monkeypatch):
    from tfx_pipeline.metadata import schema_lock

    monkeypatch.setattr(schema_lock, "WAIT_SECONDS", 1)
    config = database.with_password(
        database.connection_config(mariadb_server.uri("held"), "unused")
    )
    with (
        schema_lock.lock(config.mysql),
        pytest.raises(errors.PipelineError, match="another process has held the lock"),
    ):
        open_store(mariadb_server.uri("held"))
