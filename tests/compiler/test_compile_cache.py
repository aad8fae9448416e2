"""An earlier run's pipeline is used again if nothing that it depends on has changed."""

from __future__ import annotations

import functools
import os

import pytest

from tfx_pipeline.compiler import compile_cache
from tfx_pipeline.config.loader import load_config
from tfx_pipeline.storage.layout import CompiledLayout


def key(shop, *overrides):
    return compile_cache.key(load_config(shop, overrides))


def leave(runs, run_id, text, wanted=None, age=0):
    """A run's folder with a pipeline, and its key if it has one."""
    compiled = CompiledLayout(runs / run_id)
    compiled.folder.mkdir(parents=True)
    compiled.ir.write_text(f"ir {text}")
    compiled.manifest.write_text(f"manifest {text}")
    if wanted:
        compile_cache.store_key(compiled, wanted)
    then = compiled.folder.stat().st_mtime - age
    os.utime(compiled.folder, (then, then))


def test_equal_configurations_have_equal_keys(shop):
    assert key(shop) == key(shop)
    assert key(shop) != key(shop, "training.steps=7")


def test_a_moved_project_has_another_key(shop, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "data").symlink_to(tmp_path / "data")
    (other / "pipeline.yaml").write_text(shop.read_text())
    assert key(shop) != key(other / "pipeline.yaml")


def test_changed_code_of_the_library_changes_the_key(shop, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    (library / "pipeline.py").write_text("one = 1\n")
    before = compile_cache.key(load_config(shop), library)
    (library / "pipeline.py").write_text("one = 2\n")
    assert compile_cache.key(load_config(shop), library) != before


@pytest.mark.parametrize("own", ["modules.extend=[own.more]", "modules.create_pipeline=own.make"])
def test_a_pipeline_of_a_users_code_is_always_compiled(shop, own):
    assert key(shop, own) is None


def test_the_latest_run_of_that_key_is_reused(tmp_path):
    leave(tmp_path / "runs", "a", "old", "key", age=20)
    leave(tmp_path / "runs", "c", "new", "key", age=10)
    leave(tmp_path / "runs", "d", "other", "another key")
    leave(tmp_path / "runs", "b", "partial")
    reused = compile_cache.copy_from_earlier_run(tmp_path / "runs", "key", tmp_path / "new")
    assert reused.ir.read_text() == "ir new"
    assert reused.manifest.read_text() == "manifest new"


def test_without_such_a_run_nothing_is_reused(tmp_path):
    copy = functools.partial(
        compile_cache.copy_from_earlier_run, tmp_path / "runs", "key", tmp_path / "new"
    )
    assert copy() is None
    leave(tmp_path / "runs", "a", "x", "another key")
    assert copy() is None
    assert not (tmp_path / "new").exists()
