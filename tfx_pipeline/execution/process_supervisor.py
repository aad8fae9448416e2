"""Runs a function in a child process that can always be stopped.

User code may ignore a signal or an exception. So a parent process, which imports
nothing heavy, waits for the child and stops its whole process group on SIGTERM or SIGINT.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn

from tfx_pipeline.errors import EXIT_FAILED, Interrupted

GRACE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_CRASHED = 70


def run_supervised(function: Callable[[], int], grace: float = GRACE_SECONDS) -> int:
    """Forks, calls `function` in the child, and returns the child's exit code.

    The code is 128 + signal if a signal ended the child.

    Raises:
      Interrupted: this process received a signal; the child and its children have ended.
    """
    with signals_raise():
        child = 0
        try:
            child = os.fork()
            if child == 0:
                _in_child(function)
            with contextlib.suppress(OSError):
                os.setpgid(child, child)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            return code if code >= 0 else 128 - code
        except Interrupted:
            for signum in (signal.SIGTERM, signal.SIGINT):
                signal.signal(signum, signal.SIG_IGN)
            if child:
                _end_group(child, grace)
            raise


def die_with_parent() -> None:
    """Makes Linux send SIGTERM to this process when its parent dies."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _in_child(function: Callable[[], int]) -> NoReturn:
    code = _CRASHED
    try:
        os.setpgid(0, 0)
        die_with_parent()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_DFL)
        code = function()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else EXIT_FAILED
    except BaseException:
        traceback.print_exc()
    finally:
        # Not sys.exit: libraries' exit handlers may abort or hang (tensorflow-io does).
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def signals_raise() -> contextlib.AbstractContextManager[None]:
    """Within this context, SIGTERM and SIGINT raise `Interrupted` in the main thread.

    In another thread, nothing changes: Python sets handlers in the main thread only.
    """

    def stop(signum: int, _: object) -> None:
        raise Interrupted(signum)

    return _signals_handled(stop)


def signals_ignored() -> contextlib.AbstractContextManager[None]:
    """Within this context, SIGTERM and SIGINT have no effect; as `signals_raise` in a thread."""
    return _signals_handled(signal.SIG_IGN)


@contextlib.contextmanager
def _signals_handled(handler: Callable[[int, object], None] | signal.Handlers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {s: signal.signal(s, handler) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, earlier in before.items():
            signal.signal(signum, earlier)


def _end_group(child: int, grace: float) -> None:
    """Sends SIGTERM to the child's group and SIGKILL after `grace` seconds; waits for the child."""
    _signal_group(child, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            break
        time.sleep(0.05)
    else:
        _signal_group(child, signal.SIGKILL)
        os.waitpid(child, 0)
    _signal_group(child, signal.SIGKILL)  # grandchildren that outlived the child


def _signal_group(group: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)
