"""A process that imports TensorFlow, Beam and TFX once and forks for each job.

Importing them costs seconds, and a pipeline has a dozen nodes. The worker imports,
runs no TensorFlow operation and starts no thread of its own, and forks a child for
each job: compiling, marking a partial run, or the very node command. Requests and
replies are JSON lines on its standard streams.

TFX's launcher comes first, which takes half a second and can tell that a node is in
the cache. All the rest is imported before a pipeline is compiled, or as soon as a
child says that its node must be executed.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sys
from collections.abc import Callable
from typing import Any

from tfx_pipeline import errors
from tfx_pipeline.compat import lazy_imports
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.execution import process_supervisor
from tfx_pipeline.execution.node_process import execute
from tfx_pipeline.execution.request import Request

_MESSAGE_LIMIT = 32_000  # below a pipe's buffer, so that a child never blocks on it


def serve() -> None:
    """Reads requests from standard input until it closes, then ends what still runs."""
    prepare_environment()
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not end up among the replies
    process_supervisor.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wakeup_read, wakeup_write = os.pipe()
    for end in (wakeup_read, wakeup_write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _import_launcher()
    _Server(replies, wakeup_read).run()


def _import_launcher() -> None:
    with lazy_imports.importing(*lazy_imports.FOR_EXECUTORS):
        import setuptools  # noqa: F401 - by TFX when it makes its first artifact

        from tfx_pipeline.components.example_gen import driver  # noqa: F401
        from tfx_pipeline.execution import launcher  # noqa: F401


def _import_everything() -> None:
    with lazy_imports.importing():
        _import_libraries()


def _import_libraries() -> None:
    import tensorflow_data_validation  # noqa: F401
    import tensorflow_model_analysis  # noqa: F401
    import tensorflow_transform.beam  # noqa: F401
    import tf_keras  # noqa: F401
    from tfx.dsl.compiler import compiler  # noqa: F401

    from tfx_pipeline import components
    from tfx_pipeline.execution import launcher  # noqa: F401

    for name in components.__all__:
        getattr(components, name)


def _reply(stream, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


class _Server:
    def __init__(self, replies, wakeup: int):
        self._replies = replies
        self._wakeup = wakeup
        self._executing, self._says_executing = os.pipe()
        self._is_complete = False
        self._jobs: dict[int, tuple[str, int]] = {}
        self._buffer = b""

    def run(self) -> None:
        import select

        while True:
            readable, _, _ = select.select([0, self._wakeup, self._executing], [], [])
            self._reap()
            if self._wakeup in readable:
                _drain(self._wakeup)
                self._reap()
            if self._executing in readable:
                os.read(self._executing, 1)
                self._complete()
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

    def _complete(self) -> None:
        """Imports what executing takes, so that the children forked from now on have it."""
        if not self._is_complete:
            _import_everything()
            self._is_complete = True

    def _handle(self, request: dict[str, Any]) -> None:
        if request["op"] == "cancel":
            self._signal_jobs(signal.SIGTERM)
            return
        if request["op"] == "compile":
            self._complete()
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            self._run_job(request, write_end)
        os.close(write_end)
        self._jobs[pid] = (request["id"], read_end)

    def _run_job(self, request: dict[str, Any], result: int) -> None:
        code = errors.EXIT_FAILED
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            process_supervisor.die_with_parent()
            _redirect(request["log"])
            self._tell_when_executing()
            code = _OPERATIONS[request["op"]](request)
        except errors.PipelineError as error:
            code = error.exit_code
            os.write(result, str(error).encode()[:_MESSAGE_LIMIT])
        except BaseException as error:
            import traceback

            traceback.print_exc()
            text = f"{type(error).__name__}: {error}; see {request['log']}"
            os.write(result, text.encode()[:_MESSAGE_LIMIT])
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _tell_when_executing(self) -> None:
        from tfx_pipeline.execution import launcher

        if not self._is_complete:
            launcher.before_execution = lambda: os.write(self._says_executing, b"x")

    def _reap(self) -> None:
        while self._jobs:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            job, result = self._jobs.pop(pid)
            with os.fdopen(result, "rb") as pipe:
                message = pipe.read().decode()
            reply = {"id": job, "exit": os.waitstatus_to_exitcode(status), "message": message}
            reply["cpu_seconds"] = round(usage.ru_utime + usage.ru_stime, 2)
            reply["max_rss_mb"] = usage.ru_maxrss // 1024
            _reply(self._replies, reply)

    def _signal_jobs(self, signum: int) -> None:
        for pid in self._jobs:
            os.kill(pid, signum)

    def _end_jobs(self) -> None:
        self._signal_jobs(signal.SIGTERM)
        while self._jobs:
            pid, _, _ = os.wait4(-1, 0)
            self._jobs.pop(pid, None)


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass


def _redirect(log: str) -> None:
    """Standard input from nowhere, output and errors to the log."""
    pathlib.Path(log).parent.mkdir(parents=True, exist_ok=True)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)


def _compile(request: dict[str, Any]) -> int:
    from tfx_pipeline.compiler.compiler import compile_pipeline
    from tfx_pipeline.config.models import Config

    config = Config.model_validate({**request["config"], "folder": request["folder"]})
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


def _node(request: dict[str, Any]) -> int:
    return execute(Request(**request["request"]))


_OPERATIONS: dict[str, Callable[[dict[str, Any]], int]] = {
    "compile": _compile,
    "mark": _mark,
    "node": _node,
    "upload": _upload,
}


if __name__ == "__main__":
    serve()
