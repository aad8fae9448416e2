"""Projects for the end-to-end tests."""

from __future__ import annotations

import pytest

from tests.projects import Project, make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp("project") / "taxi")


@pytest.fixture
def fresh_project(tmp_path) -> Project:
    return make_project(tmp_path / "taxi")
