"""A MariaDB server of the tests' own: a temporary folder, a free port, ended by its id."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence

import pymysql

from tests import programs

USER, PASSWORD = "tfx", "correct horse"
LIMITED = "limited"
"""A user with rights on one database, which has the same name."""
ENCRYPTED, CERTIFIED = "encrypted", "certified"
"""Users that the server accepts over TLS only, the second one with a certificate only."""
_START_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server."""

    port: int

    def uri(self, database: str, query: str = "", user: str = USER) -> str:
        return f"mysql://{user}@127.0.0.1:{self.port}/{database}{query}"

    def query(self, statement: str, database: str | None = None) -> list[tuple]:
        connection = _connect(self.port, USER, PASSWORD, database)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


@contextlib.contextmanager
def serve(options: Sequence[str] = ()) -> Iterator[Server]:
    """Starts a server with its users, and ends it.

    Args:
      options: more of the server's own.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mariadb-"))
    account = _unprivileged()
    process = None
    try:
        _install(folder, account)
        port = programs.free_port()
        log = (folder / "log").open("wb")
        # From 11.4 on a server makes certificates of its own unless TLS is switched off.
        command = [*_command(folder, account, port), *(options or ["--skip-ssl"])]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _create_user(process, folder, port)
        yield Server(port)
    finally:
        if process is not None:
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str:
    """Who the server runs as: it refuses to be root."""
    return "mysql" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def _install(folder: pathlib.Path, account: str) -> None:
    data = folder / "data"
    data.mkdir()
    for path in (folder, data):
        shutil.chown(path, account)
    command = [_program("mariadb-install-db"), "--no-defaults", f"--user={account}"]
    options = [f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _command(folder: pathlib.Path, account: str, port: int) -> list[str]:
    return [
        _program("mariadbd"),
        "--no-defaults",
        f"--user={account}",
        f"--datadir={folder / 'data'}",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--innodb-buffer-pool-size=64M",
        "--skip-log-bin",
    ]


def _program(name: str) -> str:
    return programs.find(name, ["/usr/sbin", "/usr/bin"])


def _create_user(process: subprocess.Popen, folder: pathlib.Path, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            connection = _connect(port, "root", "")
            break
        except pymysql.MySQLError:
            text = (folder / "log").read_text(errors="replace")
            assert process.poll() is None, f"MariaDB ended: {text}"
            assert time.monotonic() < deadline, f"MariaDB does not answer: {text}"
            time.sleep(0.1)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'")
        cursor.execute(f"GRANT ALL ON *.* TO '{USER}'@'%'")
        # As MariaDB's image makes one: with rights on its own database only.
        cursor.execute(f"CREATE USER '{LIMITED}'@'%' IDENTIFIED BY '{PASSWORD}'")
        cursor.execute(f"GRANT ALL ON `{LIMITED}`.* TO '{LIMITED}'@'%'")
        for user, rule in {ENCRYPTED: "SSL", CERTIFIED: "X509"}.items():
            cursor.execute(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE {rule}")
            cursor.execute(f"GRANT ALL ON *.* TO '{user}'@'%'")


def _connect(port: int, user: str, password: str, database: str | None = None):
    return pymysql.connect(
        host="127.0.0.1", port=port, user=user, password=password, database=database
    )
