"""The worker process: it imports TensorFlow, Beam and TFX once and forks for each job.

Importing them takes seconds, and a pipeline has a dozen nodes. The worker runs no
TensorFlow operation and starts no thread. It forks a child for each job: compiling,
marking a partial run, uploading a file, or the node command. Requests and replies are
JSON lines on its standard streams.

First it imports TFX's launcher, which takes half a second and is enough to find a node
in the cache. The rest is imported before a pipeline is compiled, or when a child reports
that its node is not cached.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

from tfx_pipeline import errors
from tfx_pipeline.compat import known_warnings, lazy_imports
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.execution.node_process import execute
from tfx_pipeline.execution.request import Request

_MESSAGE_LIMIT = 32_000  # bytes; less than a pipe's buffer, so that writing never blocks


def serve(foreign: bool = False) -> None:
    """Reads requests from standard input until it is closed, then stops the running jobs.

    Args:
      foreign: whether nodes may have executors of others. They find only real modules.
    """
    prepare_environment()
    known_warnings.leave_out()
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # output of libraries must not be mixed with the replies
    process_supervisor.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wakeup_read, wakeup_write = os.pipe()
    for end in (wakeup_read, wakeup_write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with lazy_imports.importing_launcher():
        import setuptools  # noqa: F401 - TFX imports it when it creates its first artifact

        from tfx_pipeline.components.example_gen import driver  # noqa: F401
        from tfx_pipeline.execution import launcher  # noqa: F401

    _Server(replies, wakeup_read, foreign).run()


def import_libraries() -> None:
    """Imports everything that compiling or executing a node needs."""
    import tensorflow
    import tensorflow_data_validation  # noqa: F401
    import tensorflow_model_analysis  # noqa: F401
    import tensorflow_transform.beam  # noqa: F401
    import tf_keras  # noqa: F401
    from tfx.dsl.compiler import compiler  # noqa: F401

    from tfx_pipeline import components
    from tfx_pipeline.compiler import standard_pipeline
    from tfx_pipeline.execution import launcher  # noqa: F401

    for name in standard_pipeline.COMPONENTS:
        getattr(components, name)
    # The Keras of `tensorflow.keras` is imported on its first use.
    _ = tensorflow.keras.Model


class _Server:
    """Forks a child for each request and replies when the child has ended.

    Args:
      replies: the stream to write replies to.
      wakeup: a descriptor that becomes readable when a child ends.
      foreign: whether nodes may have executors of others.
    """

    def __init__(self, replies: TextIO, wakeup: int, foreign: bool) -> None:
        self._replies = replies
        self._wakeup = wakeup
        self._foreign = foreign
        self._execution_started, self._report_execution = os.pipe()
        self._has_libraries = False
        self._jobs: dict[int, tuple[str, int]] = {}  # by process: job id, message pipe
        self._buffer = b""

    def run(self) -> None:
        """Serves requests until standard input is closed."""
        while True:
            sources = [0, self._wakeup, self._execution_started]
            readable, _, _ = select.select(sources, [], [])
            if self._wakeup in readable:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._wakeup, 4096):
                        pass
            self._reap()
            if self._execution_started in readable:
                os.read(self._execution_started, 1)
                self._import_libraries()
            if 0 in readable and not self._read_requests():
                self._end_jobs()
                return

    def _read_requests(self) -> bool:
        data = os.read(0, 65536)
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._handle(json.loads(line))
        return bool(data)

    def _import_libraries(self) -> None:
        """Imports everything once, so that children forked later have it already."""
        if not self._has_libraries:
            with contextlib.nullcontext() if self._foreign else lazy_imports.importing():
                import_libraries()
            self._has_libraries = True

    def _handle(self, request: dict[str, Any]) -> None:
        if request["op"] == "cancel":
            self._signal_jobs(signal.SIGTERM)
            return
        if request["op"] == "compile":
            self._import_libraries()
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            self._run_job(request, write_end)
        os.close(write_end)
        self._jobs[pid] = (request["id"], read_end)

    def _run_job(self, request: dict[str, Any], result: int) -> NoReturn:
        code = errors.EXIT_FAILED
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            process_supervisor.die_with_parent()
            _redirect(request["log"])
            if request["op"] == "node":
                code = execute(Request(**request["request"]), self._before_execution)
            else:
                code = _OPERATIONS[request["op"]](request)
        except errors.PipelineError as error:
            code = error.exit_code
            if error.__cause__ is not None:  # the log keeps what the message leaves out
                traceback.print_exception(error)
            os.write(result, _message(str(error)))
        except BaseException as error:
            traceback.print_exc()
            text = f"{type(error).__name__}: {error}; see {request['log']}"
            os.write(result, _message(text))
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _before_execution(self) -> None:
        """Called in a child: the next ones need the libraries."""
        if not self._has_libraries:
            os.write(self._report_execution, b"x")

    def _reap(self) -> None:
        """Replies for every child that has ended."""
        for child in tuple(self._jobs):  # not any child: libraries wait for their own
            pid, status, usage = os.wait4(child, os.WNOHANG)
            if pid == 0:
                continue
            job, result = self._jobs.pop(child)
            reply = {
                "id": job,
                "exit": os.waitstatus_to_exitcode(status),
                "message": _read_message(result),
                "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
                "max_rss_mb": usage.ru_maxrss // 1024,
            }
            self._replies.write(json.dumps(reply) + "\n")
            self._replies.flush()

    def _signal_jobs(self, signum: int) -> None:
        for pid in self._jobs:
            os.kill(pid, signum)

    def _end_jobs(self) -> None:
        self._signal_jobs(signal.SIGTERM)
        for child in self._jobs:
            os.waitpid(child, 0)


def _message(text: str) -> bytes:
    return text.encode(errors="replace")[:_MESSAGE_LIMIT]


def _read_message(pipe: int) -> str:
    """What an ended job has written. Its own children may keep the pipe open for longer."""
    os.set_blocking(pipe, False)
    try:
        data = os.read(pipe, _MESSAGE_LIMIT)
    except BlockingIOError:
        data = b""
    os.close(pipe)
    return data.decode(errors="replace")  # the limit may have cut a character of several bytes


def _redirect(log: str) -> None:
    """Makes standard input empty, and sends output and errors to the log."""
    pathlib.Path(log).parent.mkdir(parents=True, exist_ok=True)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)


def _compile(request: dict[str, Any]) -> int:
    from tfx_pipeline.compiler.compiler import compile_pipeline
    from tfx_pipeline.config.models import config_class

    values = {**request["config"], "folder": request["folder"]}
    config = config_class(values).model_validate(values)
    compile_pipeline(config).write(pathlib.Path(request["output"]))
    return errors.EXIT_OK


def _mark(request: dict[str, Any]) -> int:
    from tfx_pipeline.compiler import partial_run

    partial_run.mark(
        pathlib.Path(request["pipeline"]), request["run_id"], request["first"], request["last"]
    )
    return errors.EXIT_OK


def _upload(request: dict[str, Any]) -> int:
    from tfx_pipeline.storage import object_store

    object_store.store(pathlib.Path(request["file"]).read_bytes(), request["uri"])
    return errors.EXIT_OK


_OPERATIONS: dict[str, Callable[[dict[str, Any]], int]] = {
    "compile": _compile,
    "mark": _mark,
    "upload": _upload,
}


if __name__ == "__main__":
    serve(foreign="--foreign" in sys.argv)
