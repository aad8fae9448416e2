"""Refuses data of which a split got no rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tfx_pipeline.components.example_gen import split_rules
from tfx_pipeline.components.example_gen.split_writer import Shards, Splits
from tfx_pipeline.errors import DataRefused, Finding

_log = logging.getLogger(__name__)


def refuse_empty(shards: Sequence[Shards], files: Sequence[str], splits: Splits) -> None:
    """Refuses a split without rows.

    Args:
      shards: what was written.
      files: what was read.
      splits: how the rows were divided.

    Raises:
      DataRefused: a split, or all, have no rows.
    """
    rows = {name: sum(shard.rows[name] for shard in shards) for name in shards[0].rows}
    total = sum(rows.values())
    _log.info("ExampleGen: %d rows from %d files: %s", total, len(files), rows)
    if total == 0:
        found = "only a header" if len(files) == 1 else f"no rows in {len(files)} files"
        raise DataRefused(
            f"there is no data: {files[0]}: {found}", [Finding(files[0], "no rows", found)]
        )
    empty = [name for name, count in rows.items() if count == 0]
    if empty:
        rule, found = "split without rows", f"{total} rows in all are too few"
        remedy = "Provide more data or change data.split"
        if splits.rule is not None:
            found, remedy = _of_rule(splits.rule, total, len(rows))
        raise DataRefused(
            f"the data is too small: {', '.join(empty)} got no rows, there are {total} in all. "
            f"{remedy}",
            [Finding(name, rule, found) for name in empty],
        )


def _of_rule(rule: split_rules.Rule, total: int, splits: int) -> tuple[str, str]:
    """What was found, and what to do."""
    column, rows = repr(rule.column), f"{total:,} rows"
    if rule.kind == split_rules.COLUMN:
        return f"no row of {rows} has it in {column}", f"Correct the column {column}"
    if rule.kind == split_rules.TIME:
        found = f"fewer than {splits} different times in {column}, in {rows}"
        return found, f"The column {column} of data.split.time needs more different values"
    if rule.kind == split_rules.BY:
        found = f"too few different values of {column} in {rows}"
        return found, f"The column {column} of data.split.by needs more different values"
    return f"{rows} in all are too few", "Provide more data or leave out data.split.stratify"
