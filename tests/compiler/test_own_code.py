"""What the functions of `modules` return or raise becomes one message about their key."""

from __future__ import annotations

import pytest

from tfx_pipeline import compile_pipeline, load_config
from tfx_pipeline.errors import ConfigError

pytestmark = pytest.mark.tensorflow


def problem(shop, key, code):
    """The one problem of compiling with the code's function `make` as `key`."""
    name = f"own_{abs(hash((key, code)))}"
    file = shop.parent / f"{name}.py"
    file.write_text(code)
    value = f"[{name}.make]" if key == "extend" else f"{name}.make"
    config = load_config(shop, [f"modules.{key}={value}"])
    with pytest.raises(ConfigError) as caught:
        compile_pipeline(config)
    (found,) = caught.value.problems
    assert found.where == f"modules.{key}"
    return found.message.replace(str(file), "FILE").replace(name, "own")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "def make(pipeline, config): raise ValueError('no')\n",
            "own.make: raised ValueError: no (FILE, line 1)",
        ),
        ("def make(pipeline, config): ...\n", "must return a list of TFX components, found None"),
        ("def make(pipeline, config): return ['a']\n", "TFX components, found ['a']"),
        ("def make(pipeline): ...\n", "raised TypeError: make() takes 1 positional argument"),
        ("x = 1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero (FILE, line 1)"),
        ("def mak(pipeline, config): ...\n", "FILE has no function or class 'make'"),
    ],
)
def test_extend(shop, code, message):
    assert message in problem(shop, "extend", code)


def test_create_pipeline(shop):
    code = "def helper(config):\n    return {}[config.name]\n\n\ndef make(config): helper(config)\n"
    assert problem(shop, "create_pipeline", code) == (
        "own.make: raised KeyError: 'shop' (FILE, line 2)"
    )


def test_an_error_about_the_configuration_passes_unchanged(shop):
    (shop.parent / "own_refusal.py").write_text(
        "from tfx_pipeline import ConfigError, Problem\n\n\n"
        "def make(config):\n    raise ConfigError(Problem('model', 'is too small'))\n"
    )
    config = load_config(shop, ["modules.create_pipeline=own_refusal.make"])
    with pytest.raises(ConfigError, match=r"^model: is too small$"):
        compile_pipeline(config)
