"""Runs a function in a child process that can always be ended.

User code may swallow a signal or an exception. So a parent that imports nothing
heavy waits for the child, and on SIGTERM or SIGINT ends the child's whole
process group.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

from tfx_pipeline.errors import Interrupted

GRACE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_CRASHED = 70


def run_supervised(function: Callable[[], int], grace: float = GRACE_SECONDS) -> int:
    """Forks, calls `function` in the child, and returns its exit code.

    A child that died by a signal gives 128 + signal.

    Raises:
      Interrupted: this process was signalled; the child and its children are gone.
    """
    with signals_raise():
        child = 0
        try:
            child = os.fork()
            if child == 0:
                _in_child(function)
            with contextlib.suppress(OSError):
                os.setpgid(child, child)
            return _exit_code(os.waitpid(child, 0)[1])
        except Interrupted:
            _ignore_signals()
            if child:
                _end_group(child, grace)
            raise


def die_with_parent() -> None:
    """Asks Linux to send SIGTERM to this process when its parent dies."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _in_child(function: Callable[[], int]) -> None:
    code = _CRASHED
    try:
        os.setpgid(0, 0)
        die_with_parent()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_DFL)
        code = function()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        # Not sys.exit: libraries' exit handlers may abort or hang (tensorflow-io does).
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@contextlib.contextmanager
def signals_raise():
    """SIGTERM and SIGINT raise `Interrupted` in the main thread while this is on."""

    def stop(signum, frame):
        raise Interrupted(signum)

    before = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _ignore_signals() -> None:
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)


def _end_group(child: int, grace: float) -> None:
    """SIGTERM to the child's group, SIGKILL after `grace` seconds, and waits."""
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


def _exit_code(status: int) -> int:
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)
