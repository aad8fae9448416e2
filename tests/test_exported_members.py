"""The public names: complete, importable, and known to a type checker."""

import importlib
import pathlib
import re
import subprocess
import sys

import mypy.api
import pytest

PACKAGES = ["tfx_pipeline", "tfx_pipeline.serving", "tfx_pipeline.components"]


def typed_imports(module):
    """The names that the package's `if TYPE_CHECKING:` block imports from."""
    source = pathlib.Path(module.__file__).read_text()
    block = source.partition("if TYPE_CHECKING:\n")[2].partition("\nelse:\n")[0]
    flat = re.sub(r"\(\s*([^)]*)\)", lambda match: " ".join(match[1].split()), block)
    lines = [line.partition(" import ")[2] for line in flat.splitlines()]
    return {name.strip() for line in lines for name in line.split(",") if name.strip()}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_exported_names_are_sorted_and_the_same_for_type_checkers(package):
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__)
    assert typed_imports(module) == set(module.__all__) - {"__version__"}
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("package", PACKAGES[:2])
def test_every_name_can_be_imported_and_is_kept(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is vars(module)[name]


@pytest.mark.tensorflow
def test_every_component_can_be_imported():
    components = importlib.import_module("tfx_pipeline.components")
    for name in components.__all__:
        assert getattr(components, name).__name__ == name


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_refused(package):
    module = importlib.import_module(package)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Nothing'"):
        module.Nothing


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_imports_none_of_its_names(package):
    code = f"import sys, {package}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="."
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"tensorflow", "tfx", "apache_beam", "ml_metadata", "pydantic"})


def test_a_type_checker_knows_the_public_names(tmp_path):
    lines = []
    for package in PACKAGES:
        module = importlib.import_module(package)
        lines += [f"import {package}"]
        lines += [f"reveal_type({package}.{name})" for name in module.__all__]
    lines += ["config = tfx_pipeline.load_config()", "reveal_type(config.root)"]
    lines += ["assert isinstance(config, tfx_pipeline.Config)"]
    lines += ["reveal_type(config.training.seed)"]
    snippet = tmp_path / "snippet.py"
    snippet.write_text("\n".join(lines) + "\n")
    out, err, _ = mypy.api.run([str(snippet)])
    revealed = re.findall(r'Revealed type is "(.*)"', out)
    assert err == ""
    assert ": error:" not in out
    assert len(revealed) == sum(line.startswith("reveal_type") for line in lines)
    assert [text for text in revealed if text.startswith("Any")] == []
    assert revealed[-1].endswith("int")


def test_a_type_checker_finds_a_misspelt_name(tmp_path):
    snippet = tmp_path / "snippet.py"
    snippet.write_text("from tfx_pipeline import lod_config\n")
    out, _, code = mypy.api.run([str(snippet)])
    assert code == 1
    assert 'Module "tfx_pipeline" has no attribute "lod_config"' in out
