"""ML Metadata on a real MariaDB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from tests import mariadb
from tests.certificates import Authority
from tfx_pipeline import errors
from tfx_pipeline.config import metadata_database
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.metadata import database

pytestmark = pytest.mark.e2e  # needs a server that apt-get installs

RUN = pb.ContextType(name="pipeline_run")
PROGRAM = """
import sys
from tfx_pipeline.metadata import database
from tfx_pipeline.config import metadata_database
where = metadata_database.parse(sys.argv[1])
store = database.open_store(database.connection_config(where, "unused"))
print(len(store.get_contexts()))
"""


@pytest.fixture
def password(monkeypatch):
    monkeypatch.setenv(METADATA_PASSWORD, mariadb.PASSWORD)


def connection(uri):
    return database.connection_config(metadata_database.parse(uri), "unused")


def open_store(uri):
    return database.open_store(connection(uri))


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


def test_localhost_is_reached_by_its_port(mariadb_server, password):
    uri = mariadb_server.uri("by_name").replace("127.0.0.1", "localhost")
    assert open_store(uri).get_contexts() == []


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
    uri = mariadb_server.uri(mariadb.LIMITED, user=mariadb.LIMITED)
    assert open_store(uri).get_contexts() == []


def test_another_database_is_not_kept_waiting(mariadb_server, password):
    from tfx_pipeline.metadata import schema_lock

    config = database.with_password(connection(mariadb_server.uri("held")))
    with schema_lock.lock(config.mysql):
        open_store(mariadb_server.uri("free"))


def test_a_lock_that_is_not_given_is_one_clear_error(mariadb_server, password, monkeypatch):
    from tfx_pipeline.metadata import schema_lock

    monkeypatch.setattr(schema_lock, "WAIT_SECONDS", 1)
    config = database.with_password(connection(mariadb_server.uri("held")))
    with (
        schema_lock.lock(config.mysql),
        pytest.raises(errors.PipelineError, match="another process has held the lock"),
    ):
        open_store(mariadb_server.uri("held"))


WRITER = """
import sys, time
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx_pipeline.metadata import database
from tfx_pipeline.config import metadata_database
where = metadata_database.parse(sys.argv[1])
store = database.open_store(database.connection_config(where, "unused"))
while True:
    executions = store.get_executions()
    for execution in executions:
        execution.custom_properties["count"].int_value += 1
    store.put_executions(executions)
    print(executions[0].custom_properties["count"].int_value, flush=True)
    time.sleep(0.01)  # no run of nodes writes without a pause; on a busy machine none could read
"""


@pytest.fixture(scope="module")
def strict_server():
    """As MariaDB 11.8 is by default."""
    with mariadb.serve(["--skip-ssl", "--innodb-snapshot-isolation=ON"]) as running:
        yield running


def _read_often(store, run):
    for _ in range(20_000):
        store.get_executions_by_context(run)


def test_what_another_process_changes_is_read_again(strict_server, password):
    uri = strict_server.uri("changing")
    store = open_store(uri)
    kind = store.put_execution_type(pb.ExecutionType(name="node"))
    run = store.put_contexts([pb.Context(type_id=store.put_context_type(RUN), name="run")])[0]
    ids = store.put_executions([pb.Execution(type_id=kind) for _ in range(12)])
    links = [pb.Association(context_id=run, execution_id=number) for number in ids]
    store.put_attributions_and_associations([], links)
    bare = ml_metadata.MetadataStore(database.with_password(connection(uri)))
    writer = subprocess.Popen([sys.executable, "-c", WRITER, uri], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline()
        with pytest.raises(ml_metadata.errors.InternalError, match="try restarting transaction"):
            _read_often(bare, run)
        for _ in range(50):
            assert len(store.get_executions_by_context(run)) == len(ids)
    finally:
        writer.kill()
        writer.wait()


def test_other_errors_are_not_repeated(strict_server, password):
    store = open_store(strict_server.uri("other"))
    with pytest.raises(ml_metadata.errors.NotFoundError):
        store.get_context_type("none")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="module")
def client(authority):
    return authority.issue("client")


@pytest.fixture(scope="module")
def tls_server(authority, tmp_path_factory):
    """A server with a certificate; its files are where its account can read them."""
    pair = authority.issue("server")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        names = {"ssl-ca": authority.cert, "ssl-cert": pair.cert, "ssl-key": pair.key}
        options = [f"--{name}={shutil.copy(path, folder)}" for name, path in names.items()]
        with mariadb.serve(options) as running:
            yield running


def test_a_connection_is_encrypted(tls_server, authority, password):
    for number, query in enumerate(["?ssl=true", f"?ssl_ca={authority.cert}"]):
        uri = tls_server.uri(f"encrypted_{number}", query, mariadb.ENCRYPTED)
        assert open_store(uri).get_contexts() == []


def test_a_client_shows_its_certificate(tls_server, authority, client, password):
    query = f"?ssl_ca={authority.cert}&ssl_cert={client.cert}&ssl_key={client.key}"
    uri = tls_server.uri("certified", query, mariadb.CERTIFIED)
    assert open_store(uri).get_contexts() == []
    with pytest.raises(errors.PipelineError, match="Access denied"):
        open_store(tls_server.uri("certified", "?ssl=true", mariadb.CERTIFIED))


def test_without_tls_a_server_that_wants_it_refuses(tls_server, password):
    with pytest.raises(errors.PipelineError, match="Access denied"):
        open_store(tls_server.uri("plain", user=mariadb.ENCRYPTED))


def test_a_certificate_of_another_authority_is_refused(tls_server, tmp_path, password):
    other = Authority(tmp_path, "other")
    with pytest.raises(errors.PipelineError, match="certificate verify failed"):
        open_store(tls_server.uri("any", f"?ssl_ca={other.cert}", mariadb.ENCRYPTED))


def test_a_server_without_tls_is_refused(mariadb_server, password):
    with pytest.raises(errors.PipelineError, match="SSL is required but the server"):
        open_store(mariadb_server.uri("any", "?ssl=true"))


def test_files_of_certificates_are_checked(tls_server, tmp_path, password):
    absent, text = tmp_path / "absent.pem", tmp_path / "text.pem"
    text.write_text("no certificate")
    with pytest.raises(errors.ConfigError, match=r"metadata: ssl_ca: .*absent.pem cannot be read"):
        open_store(tls_server.uri("any", f"?ssl_ca={absent}"))
    with pytest.raises(errors.ConfigError, match=r"metadata: .*text.pem is not a valid PEM file"):
        open_store(tls_server.uri("any", f"?ssl_ca={text}"))


def test_ml_metadata_cannot_verify_certificates(tls_server, authority, password):
    """If this fails, a new ML Metadata can: allow `ssl_verify_server_cert=true` then."""
    config = database.with_password(
        connection(tls_server.uri("any", f"?ssl_ca={authority.cert}", mariadb.ENCRYPTED))
    )
    ml_metadata.MetadataStore(config)
    config.mysql.ssl_options.verify_server_cert = True
    with pytest.raises(RuntimeError, match="mysql_real_connect failed"):
        ml_metadata.MetadataStore(config)
