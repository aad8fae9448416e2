"""ExampleGen's Beam pipeline: two stages over few elements.

An element is a unit of work: some files. The first stage profiles them all, the
second gets all profiles as a side input and writes; a receipt for each unit says
what came of it. Nothing assumes that both run in one process: workers share only
the output folder.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio

from tfx_pipeline.components.common.prefetch import read_ahead
from tfx_pipeline.components.common.reshuffled_create import CreateSpread
from tfx_pipeline.components.example_gen import split_writer, table_sources
from tfx_pipeline.errors import Finding


@dataclasses.dataclass(frozen=True)
class Unit:
    """Files that one worker reads one after the other."""

    number: int
    paths: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Receipts:
    """What came of all units.

    Attributes:
      profile: types, and what is wrong; if anything is, nothing was written.
      shards: the written files, in the units' order.
    """

    profile: table_sources.Profile
    shards: list[split_writer.Shards]


def run(
    pipeline: beam.Pipeline,
    units: list[Unit],
    source: Any,
    splits: split_writer.Splits,
    folder: str,
) -> None:
    """Adds the ingest to a pipeline; `read_receipts` has its result after the run."""
    elements = pipeline | "Units" >> CreateSpread(units)
    profiles = elements | "Profile" >> beam.ParDo(_Profile(source))
    everything = beam.pvalue.AsList(profiles)
    _ = elements | "Write" >> beam.ParDo(_Write(source, splits, folder), everything)


@beam.typehints.with_input_types(Unit)
@beam.typehints.with_output_types(table_sources.Profile)
class _Profile(beam.DoFn):
    def __init__(self, source: Any):
        self._source = source

    def process(self, unit: Unit) -> Iterator[table_sources.Profile]:
        yield table_sources.merge(self._source.profile(path) for path in unit.paths)


@beam.typehints.with_input_types(Unit, list[table_sources.Profile])
@beam.typehints.with_output_types(str)
class _Write(beam.DoFn):
    def __init__(self, source: Any, splits: split_writer.Splits, folder: str):
        self._source, self._splits, self._folder = source, splits, folder

    def process(self, unit: Unit, profiles: list[table_sources.Profile]) -> Iterator[str]:
        profile = table_sources.merge(profiles)
        receipt: dict[str, Any] = {"profile": dataclasses.asdict(profile)}
        if not profile.problems:
            blocks = read_ahead(self._blocks(unit, profile))
            shards = split_writer.write(blocks, self._splits, self._folder)
            receipt["shards"] = dataclasses.asdict(shards)
        yield _write_receipt(self._folder, unit.number, receipt)

    def _blocks(self, unit: Unit, profile: table_sources.Profile) -> Iterator[Any]:
        for path in unit.paths:
            yield from self._source.records(path, profile.kinds)


def _receipt_path(folder: str, number: int) -> str:
    return os.path.join(folder, f"receipt-{number:05d}.json")


def _write_receipt(folder: str, number: int, receipt: dict[str, Any]) -> str:
    fileio.makedirs(folder)
    path = _receipt_path(folder, number)
    with fileio.open(path, "w") as file:
        file.write(json.dumps(receipt))
    return path


def read_receipts(folder: str, units: list[Unit]) -> Receipts:
    """Reads what the workers left."""
    receipts = []
    for unit in units:
        with fileio.open(_receipt_path(folder, unit.number), "r") as file:
            receipts.append(json.loads(file.read()))
    profile = table_sources.Profile(**receipts[0]["profile"])
    profile.findings = [Finding(**row) for row in profile.findings]
    shards = [split_writer.Shards(**r["shards"]) for r in receipts if "shards" in r]
    return Receipts(profile, shards)
