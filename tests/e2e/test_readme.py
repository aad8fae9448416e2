"""The README's commands are run, and their output is what the README shows.

Times, ids and counts differ from machine to machine, so numbers are not compared.
`pytest tests/e2e/test_readme.py --golden` writes the real output into the README.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.projects import REPOSITORY, environment

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow, pytest.mark.slow]

README = REPOSITORY / "README.md"
BIN = pathlib.Path(sys.executable).parent
CUSTOMERS = "monthly_fee,age,plan,churned\n" + "9.5,31,basic,0\n20,,plus,1\n" * 50


@dataclasses.dataclass(frozen=True)
class Step:
    """A command of the README and what it prints there."""

    command: str
    output: str


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## )", README.read_text(), re.M | re.S)[1]


def steps(title: str) -> list[Step]:
    """The commands of a section's console blocks, in order."""
    blocks = re.findall(r"^```console\n(.*?)^```", section(title), re.M | re.S)
    found = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.M)
    return [Step(command, output) for command, output in found]


def printed(step: Step, folder: pathlib.Path) -> str:
    """Runs a command as a user does; `make run` is the local runner after the set-up."""
    runner = f"{sys.executable} {REPOSITORY / 'runners' / 'local_runner.py'}"
    command = re.sub(r"^make run$", f"{runner} 2>/dev/null", step.command)
    env = {**environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    env.pop("COLUMNS", None)  # workers of pytest-xdist have it, and tables would be narrow
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    text = done.stdout.replace(f"{folder}/", "")
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip())


def shape(text: str) -> str:
    """A text without what differs between machines: numbers and the widths of columns."""
    text = re.sub(r"[━─]+", "-", re.sub(r"\d[\d.-]*", "#", text))
    return re.sub(r"[ \t]+", " ", text)


def check(step: Step, folder: pathlib.Path, golden: bool) -> None:
    found = printed(step, folder)
    if golden:
        shown = README.read_text()
        before = f"$ {step.command}\n{step.output}"
        # The same command may be shown several times: only the one with this output.
        README.write_text(shown.replace(before, f"$ {step.command}\n{found}", 1))
    else:
        assert shape(found) == shape(step.output)


@pytest.fixture
def refresh(request) -> bool:
    return request.config.getoption("--golden")


def test_the_first_steps_print_what_the_readme_shows(project, refresh):
    commands = steps("Start")
    assert [step.command.split()[0] for step in commands] == ["make", "make", "sed", "make"]
    text = (REPOSITORY / "pipeline.yaml").read_text()
    (project.folder / "pipeline.yaml").write_text(text)
    for step in commands:
        check(step, project.folder, refresh)


def test_a_table_of_ones_own_is_checked(tmp_path, refresh):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.csv").write_text(CUSTOMERS)
    text = re.search(r"^```yaml\n(.*?)^```", section("Your own table"), re.M | re.S)[1]
    (tmp_path / "pipeline.yaml").write_text(text)
    right, *wrong = steps("Your own table")
    assert "is valid" in printed(right, tmp_path)
    for step in wrong:
        check(step, tmp_path, refresh)


def test_the_library_example_runs(fresh_project):
    code = re.search(r"^```python\n(.*?)^```", section("As a library"), re.M | re.S)[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=fresh_project.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    state, model, count = done.stdout.strip().splitlines()[-3:]
    assert state.startswith("complete 0.9")
    assert "Trainer/model" in model
    assert count.endswith("runs so far")
