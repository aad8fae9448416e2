"""Errors of a user's code become one sentence with the file and the line."""

from __future__ import annotations

import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.user_code import loader

CODE = """\
import json


def create(config):
    return json.loads(config)


def leave(config):
    raise SystemExit(3)


def refuse(config):
    from tfx_pipeline.errors import ConfigError

    raise ConfigError("say it differently")
"""


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """A module of a name of its own, because Python keeps modules."""
    name = f"loader_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / f"{name}.py"


def test_a_function_is_called(module):
    assert loader.call(f"{module.stem}.create", "[1]") == [1]


def test_what_it_raises_has_the_users_file_and_line(module):
    with pytest.raises(loader.LoadError) as caught:
        loader.call(f"{module.stem}.create", "{")
    assert str(caught.value).startswith(f"{module.stem}.create: raised JSONDecodeError: ")
    assert f"({module}, line 5)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_function_that_ends_python_is_an_error(module):
    with pytest.raises(loader.LoadError, match="raised SystemExit: 3"):
        loader.call(f"{module.stem}.leave", "")


def test_an_error_for_the_user_passes_unchanged(module):
    with pytest.raises(ConfigError, match=r"^say it differently$"):
        loader.call(f"{module.stem}.refuse", "")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("\nraise ValueError('no key')\n", "ValueError: no key ({file}, line 2)"),
        ("x = 1\ndef run(:\n", "SyntaxError: invalid syntax ({file}, line 2)"),
        ("import no_such_package\n", "No module named 'no_such_package' ({file}, line 1)"),
        ("import sys\nsys.exit()\n", "SystemExit ({file}, line 2)"),
    ],
)
def test_a_module_that_cannot_be_imported(module, code, message):
    module.write_text(code)
    with pytest.raises(loader.LoadError) as caught:
        loader.load(f"{module.stem}.create")
    assert message.format(file=module) in str(caught.value)


def test_a_missing_function_has_a_suggestion(module):
    with pytest.raises(loader.LoadError, match=r"has no function or class 'creat'\. Did you mean"):
        loader.load(f"{module.stem}.creat")


def test_a_folder_without_init_has_no_functions(module):
    (module.parent / "loader_folder").mkdir()
    with pytest.raises(loader.LoadError, match="the folder 'loader_folder' has no function"):
        loader.load("loader_folder.create")
