"""A PostgreSQL server of the tests' own: a temporary folder, a free port, ended by its id."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator

import psycopg

from tests import programs

USER, PASSWORD = "tfx", "correct horse"
DATABASE = "shop"
_VERSIONS = pathlib.Path("/usr/lib/postgresql")


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server."""

    port: int

    def url(self, user: str = USER, database: str = DATABASE) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname=DATABASE,
            autocommit=True,
        )


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Starts a server with one user and one database, and ends it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postgres-"))
    port, process = programs.free_port(), None
    try:
        _initialise(folder)
        command = [_program("postgres"), "-D", str(folder / "data"), "-k", str(folder)]
        options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        log = (folder / "log").open("wb")
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log, user=_account())
        _create_database(process, folder, port)
        yield Server(port)
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> str:
    """Who the server runs as: it refuses to be root."""
    return "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def _initialise(folder: pathlib.Path) -> None:
    (folder / "password").write_text(PASSWORD)
    for path in (folder, folder / "password"):
        shutil.chown(path, _account())
    command = [_program("initdb"), "-D", str(folder / "data"), "-U", USER, "-E", "UTF8"]
    options = ["--no-locale", "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-N"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, user=_account()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _program(name: str) -> str:
    return programs.find(name, sorted(_VERSIONS.glob("*/bin"), reverse=True))


def _create_database(process: subprocess.Popen, folder: pathlib.Path, port: int) -> None:
    while True:
        try:
            connection = psycopg.connect(
                host="127.0.0.1",
                port=port,
                user=USER,
                password=PASSWORD,
                dbname="postgres",
                autocommit=True,
            )
            break
        except psycopg.OperationalError:
            text = (folder / "log").read_text(errors="replace")
            assert process.poll() is None, f"PostgreSQL ended: {text}"
    with connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
