"""What differs between the lines of TFX is known to compat/ alone."""

from __future__ import annotations

import ast

import pytest

from tests.projects import REPOSITORY
from tfx_pipeline.compat import lines

VERSIONS = {"version_info", "__version__", "VERSION"}


def version_checks(source: str) -> list[int]:
    """The lines of code that compare a version of Python or of a library."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        for part in ast.walk(node):
            is_version = isinstance(part, ast.Attribute) and part.attr in VERSIONS
            is_call = isinstance(part, ast.Call) and ast.unparse(part.func).endswith(
                ("metadata.version", "minor_version", "lines.installed")
            )
            if is_version or is_call:
                found.append(node.lineno)
    return found


def test_no_other_package_checks_a_version():
    library = REPOSITORY / "tfx_pipeline"
    found = [
        f"{path.relative_to(library)}:{line}"
        for path in library.rglob("*.py")
        if path.parent.name != "compat"
        for line in version_checks(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "if sys.version_info >= (3, 11): pass",
        "new = tf.__version__.startswith('2.2') == True",
        "if importlib.metadata.version('tfx') < '1.21': pass",
        "x = lines.installed() == lines.NEWER",
    ],
)
def test_version_checks_are_found(source):
    assert version_checks(source) == [1]


def test_one_of_the_two_lines_is_installed():
    assert lines.installed() in (lines.OLDER, lines.NEWER)


def test_a_library_that_is_not_there_has_no_version():
    assert lines.minor_version("no-such-library") == ""
