"""The decisions for public tables, against what an expert would decide."""

from __future__ import annotations

import pytest

from tests.profiling.tables import TABLES
from tfx_pipeline.profiling import found_data, plan, sample


@pytest.mark.parametrize("name", TABLES)
def test_decides_as_an_expert_would(name, tmp_path):
    table = TABLES[name]
    file = table.write(tmp_path / f"{name}.csv")
    decided = plan.make(sample.read(found_data.find(str(file))), table.label)
    assert decided.label.task == table.task
    out = {choice.profile.name for choice in decided.features if choice.settings is None}
    assert out == table.left_out
    assert decided.split.get("time") == table.time
    types = {c.profile.name: c.profile.type for c in decided.features}
    types[table.label] = decided.label.profile.type
    assert {column: types[column] for column in table.types} == table.types
    assert not decided.data, "these files are plain CSV"
