"""`LocalRunner` with a pipeline object of two small nodes, in a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from tests.own_pipelines import COMPONENTS
from tests.projects import environment
from tfx_pipeline.storage import run_ids

pytestmark = pytest.mark.tensorflow

FLOW = f"""{COMPONENTS}
import sys, threading
import tfx_pipeline
from tfx_pipeline import errors

def start(**options):
    number = Number(value=5)
    nodes = [number, Double(number=number.outputs["number"])]
    pipeline = tfx.dsl.Pipeline("flow", "out", components=nodes, enable_cache=True)
    try:
        print(tfx_pipeline.LocalRunner(pipeline, **options).run().to_json())
    except errors.PipelineError as error:
        print(error)
        sys.exit(error.exit_code)
"""


@pytest.fixture
def flow(tmp_path):
    """Runs statements after the definitions of `FLOW`."""
    (tmp_path / "flow.py").write_text(FLOW)
    return lambda code: subprocess.run(
        [sys.executable, "-c", f"from flow import *\n{code}"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_runs_in_threads_and_one_id_is_one_run(flow, tmp_path):
    """Two starts at once, one later; then one without the folder, as on another machine."""
    start = "threading.Thread(target=start, kwargs={'run_id': 'a'})"
    done = flow(
        f"threads = [{start}, {start}]; [t.start() for t in threads]; [t.join() for t in threads]\n"
        "start(run_id='a')"
    )
    assert done.returncode == 2, done.stderr
    assert re.findall('^ "state": "(.*)"', done.stdout, re.M) == ["complete"]
    assert "'a' is in progress. Wait until it has ended" in done.stdout
    assert "Continue it with --resume a" in done.stdout
    run = tmp_path / "out" / "flow" / "runs" / "a"
    assert "No node failed" in (run / "report.html").read_text()
    shutil.rmtree(run)
    elsewhere = flow("start(run_id='a')")
    assert (elsewhere.returncode, "It is in ML Metadata" in elsewhere.stdout) == (2, True)
    assert not (tmp_path / "out" / "flow" / "runs" / "a" / "manifest.json").exists()


def test_default_ids_sort_by_time_and_differ_within_a_second():
    ids = [run_ids.new() for _ in range(3)]
    assert all(re.fullmatch(r"\d{8}-\d{6}-\d{4}", run_id) for run_id in ids)
    assert len({*ids}) > 1


def test_a_script_elsewhere_that_has_imported_tfx_finds_the_projects_modules(tmp_path):
    project, scripts = tmp_path / "project", tmp_path / "scripts"
    for folder in (project, scripts):
        folder.mkdir()
    (project / "own_flow.py").write_text(
        f"{FLOW}\n"
        "def create_pipeline(config):\n"
        "    return tfx.dsl.Pipeline(config.name, config.root, components=[Number(value=5)])\n"
    )
    (project / "pipeline.yaml").write_text(
        "name: flow\nmodules: {create_pipeline: own_flow.create_pipeline}\nreport: false\n"
    )
    (scripts / "start.py").write_text(
        "import sys\n"
        "from tfx import v1 as tfx\n"
        "import tfx_pipeline\n"
        "run = tfx_pipeline.LocalRunner(tfx_pipeline.load_config(sys.argv[1])).run()\n"
        "print(run.state)\n"
    )
    done = subprocess.run(
        [sys.executable, scripts / "start.py", project / "pipeline.yaml"],
        cwd=scripts,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "complete\n"), done.stderr
    (run,) = (project / "build" / "flow" / "runs").iterdir()
    assert json.loads((run / "manifest.json").read_text())["report"] == []
    assert not (run / "report.html").exists()
