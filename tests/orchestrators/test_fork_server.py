import os
import pathlib
import signal

import pytest

from tfx_pipeline import errors
from tfx_pipeline.orchestrators import fork_client
from tfx_pipeline.orchestrators.fork_client import Worker

pytestmark = pytest.mark.tensorflow

DAEMON = """
import os, pathlib, time

def create_pipeline():
    daemon = os.fork()
    if not daemon:
        time.sleep(300)
        os._exit(0)
    pathlib.Path("daemon").write_text(str(daemon))
    raise ValueError("not UTF-8: \\udc80")
"""


def test_a_long_message_may_be_cut_within_a_character(tmp_path):
    log = tmp_path / "logs" / "upload.log"
    with Worker(tmp_path, tmp_path / "worker.log") as worker:
        for prefix in ("", "x"):  # one of them has a character of two bytes at the limit
            name = prefix + "ä" * 20_000
            with pytest.raises(errors.PipelineError, match="ä"):
                worker.run("upload", log, file=name, uri="s3://bucket/key")
        with pytest.raises(errors.PipelineError, match="No such file"):
            worker.run("upload", log, file="missing", uri="s3://bucket/key")


def test_a_job_ends_although_a_process_it_has_started_goes_on(tmp_path):
    (tmp_path / "own.py").write_text(DAEMON)
    config = {"name": "own", "modules": {"create_pipeline": "own.create_pipeline"}}
    with (
        Worker(tmp_path, tmp_path / "worker.log", foreign=True) as worker,
        pytest.raises(errors.ConfigError, match=r"not UTF-8: \?"),
    ):
        worker.run(
            "compile",
            tmp_path / "compile.log",
            config=config,
            folder=str(tmp_path),
            output=str(tmp_path / "out"),
        )
    daemon = int(pathlib.Path(tmp_path, "daemon").read_text())
    os.kill(daemon, signal.SIGKILL)  # raises an error if it has ended


def test_a_worker_that_does_not_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(fork_client, "_EXIT_SECONDS", 0.1)
    with Worker(tmp_path, tmp_path / "worker.log") as worker:
        os.kill(worker._process.pid, signal.SIGSTOP)
        worker.submit("upload", tmp_path / "upload.log", file="missing", uri="s3://bucket/key")
    assert worker._process.wait() == -signal.SIGKILL
