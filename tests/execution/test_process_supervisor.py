import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tfx_pipeline.execution import process_supervisor


def test_returns_the_childs_exit_code():
    assert process_supervisor.run_supervised(lambda: 0) == 0
    assert process_supervisor.run_supervised(lambda: 3) == 3


def test_a_child_killed_by_a_signal_gives_128_and_the_signal():
    assert process_supervisor.run_supervised(lambda: os.kill(os.getpid(), signal.SIGKILL)) == 137


def test_an_exception_in_the_child_is_a_crash_not_a_return(capfd):
    def broken():
        raise ValueError("broken")

    assert process_supervisor.run_supervised(broken) == 70
    assert "ValueError: broken" in capfd.readouterr().err


PROGRAM = """
import os, signal, subprocess, sys, time
from tfx_pipeline import errors
from tfx_pipeline.execution import process_supervisor

def child():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # code that swallows the signal
    grandchild = subprocess.Popen(["sleep", "600"])
    print(os.getpid(), grandchild.pid, flush=True)
    time.sleep(600)

try:
    process_supervisor.run_supervised(child, grace=0.5)
except errors.Interrupted as interrupt:
    sys.exit(128 + interrupt.signum)
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_whole_group_even_when_the_child_swallows_it(signum):
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in program.stdout.readline().split()]
    program.send_signal(signum)
    assert program.wait() == 128 + signum
    assert all(is_gone(pid) for pid in pids)


def test_the_child_ends_when_its_supervisor_is_killed():
    quiet = PROGRAM.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "pass")
    program = subprocess.Popen([sys.executable, "-c", quiet], stdout=subprocess.PIPE, text=True)
    child, grandchild = (int(pid) for pid in program.stdout.readline().split())
    program.kill()
    program.wait()
    assert is_gone(child)
    os.kill(grandchild, signal.SIGKILL)


def test_other_threads_leave_signals_alone():
    before, found = signal.getsignal(signal.SIGTERM), []

    def run():
        with process_supervisor.signals_raise(), process_supervisor.signals_ignored():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [before]


def is_gone(pid):
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False
