import importlib
import sys

import pytest

from tfx_pipeline.user_code import code_digest, finder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `shop` with trainer -> network -> layers, and an unrelated module."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "trainer.py").write_text("from shop import network\nimport json\n")
    (folder / "network.py").write_text("from .layers import dense\n")
    (folder / "layers.py").write_text("dense = 1\n")
    (folder / "unrelated.py").write_text("raise RuntimeError('never imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finder.forget_places()
    yield folder
    finder.forget_places()
    for name in [name for name in sys.modules if name.startswith("shop")]:
        del sys.modules[name]


def test_follows_imports_of_the_projects_own_modules_only(package):
    found = code_digest.code_digests("shop.trainer.run_fn")
    assert set(found) == {"shop", "shop.trainer", "shop.network", "shop.layers"}


def test_what_only_a_type_checker_imports_does_not_count(package):
    (package / "network.py").write_text(
        "import typing\n"
        "if typing.TYPE_CHECKING:\n    from shop import unrelated\n"
        "else:\n    from shop import layers\n"
    )
    found = code_digest.code_digests("shop.trainer.run_fn")
    assert set(found) == {"shop", "shop.trainer", "shop.network", "shop.layers"}


def test_the_executors_of_this_library_do_not_depend_on_its_command_line():
    """Its package names public objects of all rooms, for type checkers only."""
    found = code_digest.code_digests("tfx_pipeline.components.data_gate.executor.Executor")
    rooms = {name.split(".")[1] for name in found if "." in name}
    assert "components" in rooms
    assert rooms.isdisjoint({"cli", "compiler", "orchestrators", "serving"})


def test_a_folder_without_init_in_a_package_is_followed(package):
    (package / "blocks").mkdir()
    (package / "blocks" / "wide.py").write_text("wide = 1\n")
    (package / "network.py").write_text("from shop.blocks import wide\n")
    found = code_digest.code_digests("shop.trainer.run_fn")
    assert set(found) == {"shop", "shop.trainer", "shop.network", "shop.blocks.wide"}


def test_a_change_behind_an_import_changes_that_modules_digest_only(package):
    before = code_digest.code_digests("shop.trainer.run_fn")
    (package / "layers.py").write_text("dense = 2\n")
    after = code_digest.code_digests("shop.trainer.run_fn")
    assert {name for name in before if before[name] != after[name]} == {"shop.layers"}


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nimportlib.import_module('shop.layers')\n",
        "from importlib import import_module\nimport_module('.layers', __package__)\n",
    ],
)
def test_import_module_counts(package, text):
    (package / "network.py").write_text(text)
    found = code_digest.code_digests("shop.trainer.run_fn")
    assert set(found) == {"shop", "shop.trainer", "shop.network", "shop.layers"}


def test_a_computed_import_depends_on_the_whole_package(package):
    (package / "network.py").write_text("import importlib as i\ni.import_module(NAME)\n")
    found = code_digest.code_digests("shop.trainer.run_fn")
    assert set(found) == {
        "shop", "shop.trainer", "shop.network", "shop.layers", "shop.unrelated",
    }  # fmt: skip


def test_a_package_counts_with_its_parents(package):
    (package / "blocks").mkdir()
    (package / "blocks" / "__init__.py").write_text("from shop import layers\n")
    (package / "blocks" / "wide.py").write_text("")
    found = code_digest.code_digests("shop.blocks.wide.run_fn")
    assert set(found) == {"shop", "shop.blocks", "shop.blocks.wide", "shop.layers"}


def test_the_executor_of_a_function_component_is_found(package):
    """TFX names it `<module>.<Name>_Executor`, which exists only when the module is imported."""
    assert "shop.layers" in code_digest.code_digests("shop.layers.RowCount_Executor")


def test_runs_no_code_of_the_modules(package):
    (package / "trainer.py").write_text("raise RuntimeError('ran')\n")
    assert "shop.trainer" in code_digest.code_digests("shop.trainer.run_fn")


def test_a_module_that_does_not_parse_still_has_a_digest(package):
    (package / "trainer.py").write_text("def run_fn(:\n")
    assert "shop.trainer" in code_digest.code_digests("shop.trainer.run_fn")


def test_an_unknown_path_has_none():
    assert code_digest.code_digests("no.such.module") == {}


def test_file_digest_depends_on_content_only(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("same")
    two.write_text("same")
    assert code_digest.file_digest(one) == code_digest.file_digest(two)
    two.write_text("other")
    assert code_digest.file_digest(one) != code_digest.file_digest(two)
    assert code_digest.file_digest(tmp_path / "none") == "absent"


def test_a_package_of_the_same_name_in_another_project(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    found = []
    for name in ("one", "other"):
        folder = tmp_path / name / "same_name"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "part.py").write_text(f"def f():\n    return {name!r}\n")
        finder.add_to_import_path(tmp_path / name)
        found.append(code_digest.code_digests("same_name.part.f"))
        importlib.import_module("same_name")  # stays loaded, from the first project
    assert found[0].keys() == found[1].keys() == {"same_name", "same_name.part"}
    assert found[0]["same_name.part"] != found[1]["same_name.part"]
    del sys.modules["same_name"]
