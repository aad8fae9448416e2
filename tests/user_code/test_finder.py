"""A project's own packages are found without importing them."""

from __future__ import annotations

import os
import sys

import pytest

from tfx_pipeline.user_code import finder


@pytest.mark.parametrize("place", ["", "src"])
@pytest.mark.parametrize("has_init", [True, False])
def test_a_package_of_the_project_is_found(tmp_path, place, has_init):
    package = tmp_path / place / "shop_of_test" / "blocks"
    package.mkdir(parents=True)
    (package / "trainer.py").write_text("def run_fn(fn_args): ...\n")
    if has_init:
        (package / "__init__.py").write_text("")
        (package.parent / "__init__.py").write_text("raise RuntimeError('ran')\n")
    folder = str(tmp_path)
    assert finder.problem("shop_of_test.blocks.trainer.run_fn", folder) is None
    message, remedy = finder.problem("shop_of_test.blocks.trainer.run", folder)
    assert message.endswith("has no 'run'")
    assert remedy == "Did you mean 'run_fn'?"
    message, _ = finder.problem("shop_of_test.block.trainer.run_fn", folder)
    assert message == "there is no module 'shop_of_test.block'"


def test_a_folder_without_init_has_no_functions(tmp_path):
    (tmp_path / "shop_of_test").mkdir()
    message, remedy = finder.problem("shop_of_test.run_fn", str(tmp_path))
    assert message == "'shop_of_test' is a folder without __init__.py"
    assert remedy == "Name a module in it: shop_of_test.MODULE.run_fn"


def test_the_message_names_all_places(tmp_path):
    (tmp_path / "src").mkdir()
    _, remedy = finder.problem("shop_of_test.run_fn", str(tmp_path))
    assert remedy == f"Searched: {tmp_path}, {tmp_path / 'src'}, Python's import path"


def test_a_package_with_a_finder_of_its_own_is_found(tmp_path, monkeypatch):
    """As `pip install --editable` makes them."""
    (tmp_path / "shop_of_test.py").write_text("def run_fn(fn_args): ...\n")
    spec = finder.find_spec("shop_of_test", [str(tmp_path)])[0]

    class Editable:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return spec if name == "shop_of_test" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Editable])
    assert finder.problem("shop_of_test.run_fn", os.devnull) is None


def test_the_projects_folders_come_first(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    monkeypatch.setattr(sys, "path", ["/other", str(tmp_path)])
    finder.add_to_import_path(tmp_path)
    assert sys.path == [str(tmp_path), str(tmp_path / "src"), "/other"]
    finder.add_to_import_path("")
    assert sys.path == [str(tmp_path), str(tmp_path / "src"), "/other"]
