"""The rows of the tests, and what they read from the check's findings."""

from __future__ import annotations

from tests.components import harness

ROWS = harness.rows(80)


def rules(findings) -> dict[str, set[str]]:
    """The broken rules by subject."""
    result: dict[str, set[str]] = {}
    for finding in findings:
        result.setdefault(finding["subject"], set()).add(finding["rule"])
    return result
