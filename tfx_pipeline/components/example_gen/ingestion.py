"""ExampleGen's Beam pipeline: two stages over few elements.

An element is a unit of work: some files. The first stage profiles them all. The second
stage gets all profiles as a side input and writes the examples, and for each unit a
summary file. Both stages may run in different processes: workers share only the output
folder.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio

from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.common.prefetch import read_ahead
from tfx_pipeline.components.common.reshuffled_create import ReshuffledCreate
from tfx_pipeline.components.example_gen import split_rules, split_writer, table_sources
from tfx_pipeline.components.example_gen.images import NO_IMAGES, Tally
from tfx_pipeline.components.example_gen.images import merge as merge_tallies
from tfx_pipeline.components.example_gen.profile import Profile, merge, with_mixed_kinds
from tfx_pipeline.errors import Finding


@dataclasses.dataclass(frozen=True)
class Unit:
    """Files that one worker reads one after the other.

    Attributes:
      number: of the unit, from 0.
      paths: the files.
      split: the split of all their rows; empty if the rows are divided.
    """

    number: int
    paths: tuple[str, ...]
    split: str = ""


@dataclasses.dataclass(frozen=True)
class Summary:
    """The result of all units.

    Attributes:
      profile: types and problems; if there are problems, nothing was written.
      shards: the written files, in the units' order.
      images: how many images were read.
    """

    profile: Profile
    shards: list[split_writer.Shards]
    images: Tally


def run(
    pipeline: beam.Pipeline,
    units: list[Unit],
    source: table_sources.Source,
    splits: split_writer.Splits,
    folder: str,
) -> None:
    """Adds the ingestion to a pipeline; after its run, `read_summary` returns the result.

    Args:
      pipeline: the Beam pipeline.
      units: the files to read.
      source: how they are read.
      splits: how rows are distributed.
      folder: the staging folder.
    """
    elements = pipeline | "Units" >> ReshuffledCreate(units)
    profiles = elements | "Profile" >> beam.ParDo(_Profile(source))
    everything = beam.pvalue.AsList(profiles)
    measured = []
    if splits.rule is not None and splits.rule.needs_measure:
        measures = elements | "Measure" >> beam.ParDo(_Measure(source, splits.rule), everything)
        measured = [beam.pvalue.AsList(measures)]
    _ = elements | "Write" >> beam.ParDo(_Write(source, splits, folder), everything, *measured)


@beam.typehints.with_input_types(Unit)
@beam.typehints.with_output_types(Profile)
class _Profile(beam.DoFn):
    def __init__(self, source: table_sources.Source):
        self._source = source

    def process(self, unit: Unit) -> Iterator[Profile]:
        yield merge(self._source.profile(path) for path in unit.paths)


class _Measure(beam.DoFn):
    """The first pass of a rule that needs two: what decides is counted."""

    def __init__(self, source: table_sources.Source, rule: split_rules.Rule):
        self._source, self._rule = source, rule

    def process(self, unit: Unit, profiles: list[Profile]) -> Iterator[split_rules.Measured]:
        profile = with_mixed_kinds(merge(profiles))
        if not profile.problems:
            source = dataclasses.replace(self._source, images=NO_IMAGES)
            source = _of_columns(source, self._rule.measured_columns)
            yield self._rule.measure(_blocks(source, unit, profile, Tally()))


class _Write(beam.DoFn):
    def __init__(self, source: table_sources.Source, splits: split_writer.Splits, folder: str):
        self._source, self._splits, self._folder = source, splits, folder

    def process(
        self,
        unit: Unit,
        profiles: list[Profile],
        measured: list[split_rules.Measured] | None = None,
    ) -> Iterator[str]:
        profile = with_mixed_kinds(merge(profiles))
        summary: dict[str, Any] = {"profile": dataclasses.asdict(profile)}
        if not profile.problems:
            splits = self._splits
            if splits.rule is not None and measured is not None:
                fitted = splits.rule.fitted(measured, splits.shares)
                splits = dataclasses.replace(splits, rule=fitted)
            tally = Tally()
            blocks = read_ahead(_blocks(self._source, unit, profile, tally))
            shards = split_writer.write(blocks, splits, self._folder, unit.split)
            summary["shards"] = dataclasses.asdict(shards)
            summary["images"] = dataclasses.asdict(tally)
        fileio.makedirs(self._folder)
        path = _summary_path(self._folder, unit.number)
        with fileio.open(path, "w") as file:
            file.write(json.dumps(summary))
        yield path


def _of_columns(source: table_sources.Source, names: tuple[str, ...]) -> table_sources.Source:
    """The source with these columns only, if it can leave out others; all if none is named."""
    if not names or not set(names) <= set(getattr(source, "columns", ())):
        return source
    return dataclasses.replace(source, columns=names)  # type: ignore[arg-type]


def _blocks(
    source: table_sources.Source, unit: Unit, profile: Profile, tally: Tally
) -> Iterator[Block]:
    for path in unit.paths:
        yield from source.records(path, profile.kinds, tally)


def _summary_path(folder: str, number: int) -> str:
    return os.path.join(folder, f"summary-{number:05d}.json")


def read_summary(folder: str, units: list[Unit]) -> Summary:
    """Reads the summaries that the workers wrote."""
    summaries = []
    for unit in units:
        with fileio.open(_summary_path(folder, unit.number), "r") as file:
            summaries.append(json.loads(file.read()))
    # Every unit has the same profile, merged from all.
    profile = summaries[0]["profile"]
    profile["findings"] = [Finding(**row) for row in profile["findings"]]
    shards = [split_writer.Shards(**s["shards"]) for s in summaries if "shards" in s]
    tallies = [s["images"] for s in summaries if "images" in s]
    for tally in tallies:
        tally["findings"] = [Finding(**row) for row in tally["findings"]]
    images = merge_tallies(Tally(**tally) for tally in tallies)
    return Summary(Profile(**profile), shards, images)
