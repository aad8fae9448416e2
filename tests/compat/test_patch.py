"""The table of patches, and the switch that applies none of them."""

from __future__ import annotations

import pathlib
import re

import pytest

from tests.projects import REPOSITORY
from tfx_pipeline.compat import patch as patch_module
from tfx_pipeline.compat.patch import Patch, applied
from tfx_pipeline.compat.table import BUILDING, IN_PROCESS, PATCHES
from tfx_pipeline.config import environment

TESTS = pathlib.Path(__file__).parent
REPLACING = [patch for patch in PATCHES if patch.replacement is not None]


@pytest.fixture(autouse=True)
def switch(monkeypatch):
    """Sets the switch; by default nothing is switched off."""
    monkeypatch.delenv(environment.PLAIN, raising=False)
    return lambda value: monkeypatch.setenv(environment.PLAIN, value)


def made_up(**values) -> Patch:
    known = {
        "name": "json.dumps",
        "target": "json:dumps",
        "library": "pytest",
        "versions": (".".join(pytest.__version__.split(".")[:2]),),
        "why": "for this test",
        "test": "test_patch.py",
    }
    return Patch(**{**known, **values})


def test_names_are_unique():
    names = [patch.name for patch in PATCHES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_names_its_test(patch):
    assert (TESTS / patch.test).resolve().is_file()


@pytest.mark.tensorflow
@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_fits_the_versions_that_it_names(patch):
    if not patch.is_for_installed():
        pytest.skip(f"for {patch.library} {' and '.join(patch.versions)}")
    assert patch.fits()


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_names_versions_that_are_locked(patch):
    """A patch for a version that nobody installs any more is dead code."""
    locked = {
        found[1]
        for lock in (REPOSITORY / "requirements").glob("tfx-*-py3.??.txt")
        if (found := re.search(rf"^{patch.library}==(\d+\.\d+)", lock.read_text(), re.M))
    }
    assert set(patch.versions) <= locked


@pytest.mark.tensorflow
@pytest.mark.parametrize("patch", REPLACING, ids=lambda patch: patch.name)
def test_each_is_applied_and_taken_back(patch):
    if not patch.is_for_installed():
        pytest.skip(f"for {patch.library} {' and '.join(patch.versions)}")
    owner, name = patch.owner()
    before = getattr(owner, name)
    with applied([patch]):
        assert getattr(owner, name) is not before
    assert getattr(owner, name) is before


@pytest.mark.parametrize(
    ("value", "fits"),
    [("", True), ("0", True), ("other", True), ("1", False), ("x, json.dumps", False)],
)
def test_the_switch(switch, value, fits):
    switch(value)
    assert made_up().fits() is fits


@pytest.mark.parametrize(
    "change",
    [
        {"versions": ("0.1",)},
        {"library": "no-such-library"},
        {"target": "json:no_such_function"},
        {"target": "no_such_module:dumps"},
        {"expects": ("obj", "other")},
        {"expects": int},
    ],
    ids=str,
)
def test_what_looks_different_is_left_alone(change):
    assert not made_up(**change).fits()


def test_a_patch_that_does_not_fit_changes_nothing(switch):
    switch("1")
    targets = [patch.owner() for patch in IN_PROCESS if patch.is_for_installed()]
    before = [getattr(*target) for target in targets]
    with applied([*BUILDING, *IN_PROCESS]):
        assert [getattr(*target) for target in targets] == before


def test_only_compat_knows_the_inside_of_other_libraries():
    """Imports of private modules, `unittest.mock` and `ctypes` of a library's ABI."""
    library = REPOSITORY / "tfx_pipeline"
    signs = ("tensorflow.python", "from unittest import mock", "_export_to_c", "stats_impl")
    found = [
        f"{path.relative_to(library)}: {sign}"
        for path in library.rglob("*.py")
        if path.parent.name != "compat"
        for sign in signs
        if sign in path.read_text()
    ]
    assert found == []


def test_the_module_says_how_to_switch_patches_off():
    assert environment.PLAIN in patch_module.__doc__
