"""The bundled table, broken in ways that tables are broken in, does not pass ExampleGen."""

from __future__ import annotations

import pytest

from tests.components.example_gen.ingestion import refused, write
from tests.components.example_gen.test_example_gen import TAXI
from tests.projects import REPOSITORY
from tests.spoiled import Edit, rows, with_value

pytestmark = pytest.mark.tensorflow

SCHEMA = next((REPOSITORY / "schema").glob("*.pbtxt"))


def not_utf8(lines: list[bytes]) -> list[bytes]:
    cash, credit = lines[50].replace(b"Cash", b"C\xffsh"), lines[1].replace(b"Credit", b"Cr\xffdit")
    return [*lines[:50], cash, *lines[51:], credit]


CASES: dict[str, tuple[Edit, str, str]] = {
    "an empty file": (lambda data: b"", "empty file", "header"),
    "a header only": (rows(lambda lines: lines[:1]), "no rows", "only a header"),
    "ragged rows": (
        rows(lambda lines: [*lines[:50], b"1,2,3\n", *lines[50:]]),
        "ragged row",
        "trips.csv line 51: 3 values",
    ),
    "invalid UTF-8": (rows(not_utf8), "invalid UTF-8", "trips.csv line "),
    "a wrong type": (
        with_value("trip_miles", "far", every=1000),
        "wrong type",
        'trips.csv line 2: expected FLOAT, found "far"',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(tmp_path, case):
    edit, rule, found = CASES[case]
    data = write(tmp_path / "data" / "trips.csv", edit(TAXI.read_bytes()))
    _, findings = refused(tmp_path, data.parent, schema_path=str(SCHEMA))
    assert findings[0][1] == rule
    assert found in findings[0][2]
