"""Which tests run (`--part`), and how pytest-xdist divides them between its workers.

A file stays in one worker, because its tests share fixtures that take long. The files that
take longest start first: a long file that starts last keeps one worker busy while the others
have nothing left to do. Without `-n` only the order matters, and no test depends on it.
"""

from __future__ import annotations

import os
import pathlib
import re

import pytest
from xdist.scheduler import LoadScopeScheduling

MOST_WORKERS = 9

FOLDER = pathlib.Path(__file__).resolve().parent
SLOW_FOLDERS = tuple(FOLDER / name for name in ("components", "e2e", "modeling"))
SLOW_MARKS = ("tensorflow", "e2e")
_SLOW_FILE = re.compile(rf"^pytestmark = .*pytest\.mark\.({'|'.join(SLOW_MARKS)})\b", re.MULTILINE)

MOSTLY_WAIT = (
    "tests/orchestrators/airflow/test_scheduler.py",
    "tests/orchestrators/airflow/test_taxi.py",
    "tests/components/tuner/test_machines.py",
    "tests/serving/local_server/test_lifecycle.py",
    "tests/serving/local_server/test_rest.py",
    "tests/serving/local_server/test_rest_server.py",
    "tests/serving/local_server/test_server.py",
)
"""For Airflow's scheduler, which two files share, or for a server's next look at its files."""
LONGEST_FIRST = (
    *MOSTLY_WAIT,
    "tests/e2e/test_stock_templates.py",
    "tests/e2e/test_penguin_example.py",
    "tests/e2e/test_taxi.py",
    "tests/orchestrators/kubeflow/test_cluster_run.py",
    "tests/e2e/test_unservable.py",
    "tests/e2e/test_beam_workers.py",
    "tests/e2e/test_interrupts.py",
    "tests/e2e/test_bad_input.py",
    "tests/orchestrators/airflow/test_runner.py",
    "tests/storage/test_object_store.py",
    "tests/e2e/test_readme.py",
    "tests/e2e/test_extending.py",
    "tests/serving/test_docs.py",
    "tests/components/tuner/test_tuner.py",
    "tests/modeling/test_devices.py",
    "tests/e2e/test_images.py",
    "tests/e2e/test_multi_worker.py",
    "tests/e2e/test_own_tables.py",
    "tests/e2e/test_tuning.py",
    "tests/e2e/test_notebook.py",
)


def pytest_addoption(parser):
    parser.addoption(
        "--part",
        choices=("fast", "slow"),
        help="Only the tests that need no TensorFlow, or only the others.",
    )


def pytest_ignore_collect(collection_path, config):
    """Leaves slow folders and files out unread: importing them, or TensorFlow, takes seconds."""
    if config.getoption("part") != "fast":
        return None
    if collection_path in SLOW_FOLDERS:
        return True
    if collection_path.suffix != ".py":
        return None
    return True if _SLOW_FILE.search(collection_path.read_text()) else None


class ByFile(LoadScopeScheduling):
    """Gives a file to one worker, and all files that mostly wait to the same one.

    Beside each of those, the other workers use the processors.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "waiting" if file in MOSTLY_WAIT else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Replaces `--dist loadfile`; other values of the option keep their meaning."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # it would put the files with most tests first
    return ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One worker more than processors, for `MOSTLY_WAIT`."""
    return min(len(os.sched_getaffinity(0)) + 1, MOST_WORKERS)


def pytest_collection_modifyitems(config, items):
    """Keeps the part, and puts the files that take longest first; the rest keeps its order."""
    part = config.getoption("part")
    if part is not None:
        parts: dict[str, list[pytest.Item]] = {"fast": [], "slow": []}
        for item in items:
            parts["slow" if _is_slow(item) else "fast"].append(item)
        items[:] = parts.pop(part)
        config.hook.pytest_deselected(items=[item for rest in parts.values() for item in rest])
    places = {file: place for place, file in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


def _is_slow(item):
    in_slow_folder = any(folder in item.path.parents for folder in SLOW_FOLDERS)
    return in_slow_folder or any(item.get_closest_marker(mark) for mark in SLOW_MARKS)
