"""The URI of ML Metadata's database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.test_loader import the_problem
from tfx_pipeline.config.metadata_database import SQLITE, MySqlServer, Tls, parse

SECRET = "hunter2"


def test_sqlite_and_servers():
    assert parse("sqlite") == SQLITE
    assert parse("mysql://tfx@db/mlmd") == MySqlServer("tfx", "db", "mlmd", 3306)
    assert parse("mysql://tfx@[::1]:3307/mlmd") == MySqlServer("tfx", "::1", "mlmd", 3307)
    assert parse("mysql://a%40b@db/mlmd") == MySqlServer("a@b", "db", "mlmd")


def test_tls():
    files = "ssl_ca=/tls/ca.pem&ssl_cert=/tls/c.pem&ssl_key=/tls/c.key"
    assert parse(f"mysql://a@db/mlmd?{files}").tls == Tls("/tls/ca.pem", "/tls/c.pem", "/tls/c.key")
    assert parse("mysql://a@db/mlmd?ssl=true").tls == Tls()
    assert parse("mysql://a@db/mlmd?ssl=false").tls is None
    assert parse("mysql://a@db/mlmd?ssl_verify_server_cert=false").tls == Tls()


paths = st.one_of(st.none(), st.text(min_size=1).map("/{}".format))
pairs = st.one_of(st.just((None, None)), st.tuples(*[st.text().map("/{}".format)] * 2))


@given(
    user=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    host=st.sampled_from(["db", "db.example.com", "10.0.0.1", "::1"]),
    port=st.integers(1, 65535),
    tls=st.one_of(st.none(), st.builds(lambda ca, pair: Tls(ca, *pair), paths, pairs)),
)
def test_what_is_written_is_read_again(user, host, port, tls):
    server = MySqlServer(user, host, "mlmd", port, tls)
    assert parse(str(server)) == server


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("mysql://db/mlmd", "must be 'sqlite' or 'mysql://USER@HOST[:PORT]/DATABASE', found"),
        ("mysql://me@db", "must be 'sqlite' or 'mysql://USER@HOST[:PORT]/DATABASE', found"),
        ("mysql://me@db/a/b", "found 'mysql://me@db/a/b'"),
        ("mariadb://me@db/mlmd", "found 'mariadb://me@db/mlmd'"),
        ("metadata.db", "found 'metadata.db'"),
        ("mysql://me@db:port/mlmd", "the port must be a number from 1 to 65535, found 'port'"),
        ("mysql://me@db:0/mlmd", "the port must be a number from 1 to 65535, found '0'"),
        ("mysql://me@db:99999/mlmd", "from 1 to 65535, found '99999'"),
        ("mysql://me@db/mlmd?ssl_cA=/x", "unknown parameter 'ssl_cA'. Did you mean 'ssl_ca'?"),
        ("mysql://me@db/mlmd?ssl=yes", "ssl must be true or false, found 'yes'"),
        ("mysql://me@db/mlmd?ssl_ca=ca.pem", "ssl_ca must be an absolute path, found 'ca.pem'"),
        ("mysql://me@db/mlmd?ssl_ca=/a&ssl_ca=/b", "has the parameter ssl_ca twice"),
        ("mysql://me@db/mlmd?ssl_key=/a", "must have both ssl_cert and ssl_key"),
        ("mysql://me@db/mlmd?ssl=false&ssl_ca=/a", "has ssl=false and ssl_ca"),
        ("mysql://me@db/mlmd?ssl_verify_server_cert=true", "is not supported: ML Metadata's"),
        ("mysql://me@db/mlmd?ssl", "ssl must be true or false, found ''"),
        ("postgresql://me@db/mlmd", "PostgreSQL is not supported"),
    ],
)
def test_what_is_wrong_is_named(shop, value, message):
    problem = the_problem(shop, f"metadata='{value}'")
    assert problem.startswith("metadata: ")
    assert message in problem


@pytest.mark.parametrize(
    "value",
    [
        f"mysql://me:{SECRET}@db/mlmd",
        f"mysql://me:a/{SECRET}@db/mlmd",
        f"mysql://me:a@{SECRET}@db/mlmd",
        f"mysql://me:{SECRET}@db",
        f"mysql+pymysql://me:{SECRET}@db/mlmd",
        f"mysql:/me:{SECRET}@db/mlmd",
        f"me:{SECRET}@db/mlmd",
        f"mysql://me@db/mlmd?password={SECRET}",
        f"mysql://me@db?password={SECRET}",
    ],
)
def test_a_password_is_never_printed(tfx_pipeline, shop, value):
    ended = tfx_pipeline("check", "--config", shop, "--set", f"metadata={value}")
    assert ended.returncode == 2
    assert "metadata:" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


def test_a_password_with_a_question_mark_is_not_printed(shop):
    assert SECRET not in the_problem(shop, f"metadata='mysql://me:a?{SECRET}@db/mlmd'")


def test_check_prints_the_uri(tfx_pipeline, shop):
    uri = "mysql://me@db:3307/mlmd?ssl_ca=/tls/ca.pem"
    ended = tfx_pipeline("check", "--config", shop, "--set", f"metadata={uri}")
    assert ended.returncode == 0, ended.stderr
    assert f"metadata: {uri}" in ended.stdout
