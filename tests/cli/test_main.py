import json
import os
import re
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

HEAVY = ("tensorflow", "tfx", "apache_beam", "tf_keras", "pandas", "pyarrow")


def modules_after(project, *args):
    """The modules that a command has imported when it is done."""
    code = (
        "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        f"sys.argv[1:] = {list(args)!r}; from tfx_pipeline.cli import main; main.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    return done.stderr.splitlines()[-1].split()


def test_help_names_the_commands(tfx_pipeline):
    done = tfx_pipeline("--help")
    assert done.returncode == 0
    for name in ("check", "run", "compile", "runs", "show"):
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize("args", [("--help",), ("check",), ("check", "--json"), ("runs", "--help")])
def test_nothing_heavy_is_imported(project, args):
    modules = modules_after(project, *args)
    assert "tfx_pipeline.cli.main" in modules
    assert [name for name in modules if name.partition(".")[0] in HEAVY] == []


def test_check_prints_the_resolved_values(tfx_pipeline, shop):
    done = tfx_pipeline("check", "--config", shop, "--set", "training.steps=7")
    assert done.returncode == 0
    assert done.stderr.strip() == f"{shop} is valid."
    values = YAML(typ="safe").load(done.stdout)
    assert values["training"]["steps"] == 7
    assert values["data"]["path"] == str(shop.parent / "data")
    assert values["features"]["price"] == {
        "transform": "log",
        "indicator": False,
        "missing": "mean",
    }


def test_what_check_prints_is_a_configuration(tfx_pipeline, shop):
    first = tfx_pipeline("check", "--config", shop).stdout
    shop.write_text(first)
    again = tfx_pipeline("check", "--config", shop)
    assert again.returncode == 0
    assert again.stdout == first


def test_check_tells_problems_of_the_file_and_of_the_data_together(tfx_pipeline, shop):
    (shop.parent / "data" / "rows.csv").write_text("price,bought\n1,1\n")
    done = tfx_pipeline("check", "--config", shop, "--set", "training.steps=0")
    assert done.returncode == 2
    assert "has 2 problems" in done.stderr
    assert "training.steps: must be above 0, found 0" in done.stderr
    assert "features.city: the data has no column 'city'" in done.stderr


def test_check_in_json(tfx_pipeline, shop):
    done = tfx_pipeline("check", "--config", shop, "--json")
    document = json.loads(done.stdout)
    assert document["config"]["name"] == "shop"
    assert document["problems"] == []


def test_problems_in_json_have_key_and_line(tfx_pipeline, shop):
    shop.write_text(shop.read_text() + "rot: x\n")
    done = tfx_pipeline("check", "--config", shop, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["problems"] == [
        {
            "where": "rot",
            "message": "unknown key",
            "remedy": "Did you mean 'root'?",
            "line": 10,
        }
    ]


def test_no_configuration(tfx_pipeline, tmp_path):
    done = tfx_pipeline("check", "--config", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert "there is no such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["chek"], "Did you mean 'check'?"),
        (["check", "--confg", "x"], "--config"),
        (["compile", "kubflow"], "error: "),
    ],
)
def test_wrong_usage(tfx_pipeline, args, message):
    done = tfx_pipeline(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_the_reader_may_go_away(project):
    command = f"{sys.executable} -m tfx_pipeline check | head -1"
    done = subprocess.run(
        command, shell=True, cwd=project, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("name: ")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0\n", "own_runner:command cannot be imported: ZeroDivisionError: .*py, line 1"),
        ("command = 5\n", "own_runner:command must be a click command, found 5"),
    ],
)
def test_a_runner_that_cannot_be_loaded_is_one_message(tfx_pipeline, tmp_path, code, message):
    (tmp_path / "own_runner.py").write_text(code)
    info = tmp_path / "own-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfx_pipeline.runners]\nown = own_runner:command\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = tfx_pipeline("compile", "own", env=env)
    assert done.returncode == 2
    assert re.search(f"the runner 'own': {message}", done.stderr)
    assert "Traceback" not in done.stderr
    assert tfx_pipeline("compile", "--help", env=env).returncode == 0
