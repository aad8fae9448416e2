"""What is different in another run: metrics, data, settings, code, slices."""

from __future__ import annotations

import dataclasses

from tfx_pipeline.report import evaluation, features, settings
from tfx_pipeline.report.run_facts import RunFacts

_MOST = 40


@dataclasses.dataclass(frozen=True)
class Change:
    """One thing that differs: before is the other run, after this one."""

    name: str
    before: str
    after: str


@dataclasses.dataclass(frozen=True)
class Number:
    """A metric, or a slice's, in both runs."""

    name: str
    before: float
    after: float
    better: bool | None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """This run against another one."""

    run_id: str
    started: str
    state: str
    metrics: list[Number]
    slices: list[Number]
    rows: list[tuple[str, int, int]]
    columns: list[tuple[str, str]]
    settings: list[Change]
    code: list[str]


def compare(facts: RunFacts, other: RunFacts) -> Comparison:
    """The differences of `facts` from `other`, an earlier run."""
    mine, theirs = evaluation.read(facts), evaluation.read(other)
    metrics, slices = [], []
    if mine and theirs:
        after = {row.name: row.value for row in mine.metrics}
        before = {row.name: row.value for row in theirs.metrics}
        metrics = [_number(name, name, before.get(name), after[name]) for name in after]
        earlier = {row.name: row.values.get(mine.main) for row in theirs.slices}
        slices = [
            _number(row.name, mine.main, earlier.get(row.name), row.values.get(mine.main))
            for row in mine.slices
        ]
    found_slices = [number for number in slices if number and number.after != number.before]
    found_slices.sort(key=lambda n: (n.better is not False, -abs(n.after - n.before)))
    one, two = features.statistics(other), features.statistics(facts)
    return Comparison(
        other.run.run_id,
        other.run.started,
        other.run.state,
        [number for number in metrics if number],
        found_slices[:10],
        [(s, int(one[s].num_examples), int(two[s].num_examples)) for s in two if s in one],
        _columns(one, two),
        _changes(_flat(other), _flat(facts)),
        _code(settings.code(other), settings.code(facts)),
    )


def _number(name: str, metric: str, before: float | None, after: float | None) -> Number | None:
    if before is None or after is None:
        return None
    return Number(name, before, after, evaluation.is_better(metric, after, before))


def _flat(facts: RunFacts) -> dict[str, str]:
    return {
        f"{node}: {key}": value
        for node, of_node in settings.of_run(facts).items()
        for key, value in of_node.items()
    }


_OF_EXECUTIONS = ("span", "version")  # a node from the cache does not have them


def _changes(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    for one, other in ((before, after), (after, before)):
        for name in one.keys() - other.keys():
            if name.rpartition(" ")[2] in _OF_EXECUTIONS:
                del one[name]
    names = [
        name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)
    ]
    return [Change(n, before.get(n, "not set"), after.get(n, "not set")) for n in names[:_MOST]]


def _code(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    """Modules and libraries that changed, in nodes that both runs have."""
    changed: set[str] = set()
    for node in before.keys() & after.keys():
        one, two = before[node], after[node]
        changed |= {name for name in one.keys() & two.keys() if one[name] != two[name]}
    return sorted(changed)


def _columns(one: features.Statistics, two: features.Statistics) -> list[tuple[str, str]]:
    """Columns of the training split whose values changed beyond chance, the most changed first."""
    if features.TRAIN not in one or features.TRAIN not in two:
        return []
    before, after = (features.by_name(each[features.TRAIN]) for each in (one, two))
    found: list[tuple[float, str, str]] = []
    found += [(2.0, name, "new column") for name in after.keys() - before.keys()]
    found += [(2.0, name, "column is gone") for name in before.keys() - after.keys()]
    rows = [int(each[features.TRAIN].num_examples) for each in (one, two)]
    for name in before.keys() & after.keys():
        feature = features.feature_of(name, ["before", "after"], [before[name], after[name]], rows)
        distance, split = features.split_difference(feature)
        if split:
            found.append((distance, name, f"values differ by {features.percent(distance)}"))
        missing = [numbers.missing for numbers in feature.splits]
        if abs(missing[0] - missing[1]) > 0.02:
            text = f"missing {features.percent(missing[0])}, now {features.percent(missing[1])}"
            found.append((abs(missing[0] - missing[1]), name, text))
    return [(name, text) for _, name, text in sorted(found, key=lambda f: -f[0])[:_MOST]]
