import json

import click
import pytest

from tfx_pipeline import errors, terminal
from tfx_pipeline.config import environment
from tfx_pipeline.errors import ConfigError, Finding, Problem, did_you_mean


def raising(error):
    @click.command("do")
    @terminal.json_option
    def do(as_json):
        raise error

    return do


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.PipelineError("x"), 1),
        (errors.NodeError("x"), 1),
        (ConfigError("x"), 2),
        (errors.MissingExtra("kfp", "kubeflow"), 2),
        (errors.Refused("x"), 3),
        (errors.DataRefused("x"), 3),
        (click.UsageError("x"), 2),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device", "/full"), 1),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_exit_codes(error, code, capsys):
    assert terminal.invoke(raising(error), []) == code
    assert capsys.readouterr().out == ""


def test_the_exit_code_that_a_command_returns():
    assert terminal.invoke(click.Command("do", callback=lambda: 3), []) == 3
    assert terminal.invoke(click.Command("do", callback=lambda: None), []) == 0


def test_one_problem_is_one_line():
    problem = Problem("training.steps", "must be above 0, found 0", "Take more")
    text = str(ConfigError(problem, "pipeline.yaml"))
    assert text == "pipeline.yaml: training.steps: must be above 0, found 0. Take more"


def test_many_problems_are_a_list():
    text = str(ConfigError([Problem("a", "is wrong"), Problem("", "too")], "pipeline.yaml"))
    assert text == "pipeline.yaml has 2 problems:\n  - a: is wrong\n  - too"


def test_findings_are_a_table_on_standard_error(capsys):
    long = "text 'x' [in] " + "a long line " * 30
    error = errors.DataRefused("anomalies", [Finding("fare", "type INT", long)])
    assert terminal.invoke(raising(error), []) == 3
    shown = capsys.readouterr().err
    assert "error: anomalies" in shown
    assert "[in]" in shown
    assert shown.count("long") == 30


def test_findings_in_json(capsys):
    error = errors.DataRefused("anomalies", [Finding("fare", "type INT", "text")])
    assert terminal.invoke(raising(error), ["--json"]) == 3
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out) == {
        "error": {
            "message": "anomalies",
            "exit_code": 3,
            "findings": [{"subject": "fare", "rule": "type INT", "found": "text"}],
        }
    }


def test_problems_in_json(capsys):
    terminal.invoke(raising(ConfigError(Problem("a.b", "is wrong", "Fix it"))), ["--json"])
    (problem,) = json.loads(capsys.readouterr().out)["error"]["problems"]
    assert problem == {"where": "a.b", "message": "is wrong", "remedy": "Fix it"}


def test_an_unexpected_error_is_one_line(capsys):
    terminal.invoke(raising(ZeroDivisionError("oh [red]")), [])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: unexpected error: ZeroDivisionError: oh [red]. Please report")


@pytest.mark.parametrize("debug", [{"args": ["--debug"]}, {"variable": "1"}])
def test_debug_shows_the_traceback(debug, capsys, monkeypatch):
    monkeypatch.setenv(environment.DEBUG, debug.get("variable", ""))
    terminal.invoke(raising(ZeroDivisionError("oh")), debug.get("args", []))
    assert "Traceback" in capsys.readouterr().err


def test_usage_errors_show_the_usage_and_a_near_name(capsys):
    assert terminal.invoke(raising(None), ["--jsn"]) == 2
    shown = capsys.readouterr().err
    assert "Usage: " in shown
    assert "--json" in shown


def test_did_you_mean():
    assert did_you_mean("fre", ["fare", "miles"]) == "Did you mean 'fare'?"
    assert did_you_mean("xyz", ["fare", "miles"]) == "Known: fare, miles."
    assert did_you_mean("xyz", []) == ""
    assert did_you_mean("xyz", map(str, range(100))) == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fare", "fare"),
        ("x y, z", "x y, z"),
        ("Größe", "Größe"),
        ("f_key ", "'f_key '"),
        (" lead", "' lead'"),
        ("a\nb", "'a\\nb'"),
        ("zero\u200bwidth", "'zero\\u200bwidth'"),
        ("", ""),
    ],
)
def test_names_that_look_like_others_are_quoted(name, shown):
    assert errors.shown_name(name) == shown
