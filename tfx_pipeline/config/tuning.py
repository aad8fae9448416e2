"""The section `tuning`: a search for better values of `model` and `training`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from tfx_pipeline.config.base import DottedPath, Section
from tfx_pipeline.config.durations import PositiveDuration
from tfx_pipeline.config.splits import Split
from tfx_pipeline.config.training import STOPPING_METRICS, Model, NumericEmbedding, Training
from tfx_pipeline.errors import did_you_mean


class Range(Section):
    """A range of numbers to search."""

    min: float
    """The smallest value."""
    max: float
    """The largest value."""
    log: bool = False
    """Whether values are drawn evenly by their logarithm: as often from 0.001 to 0.01 as from 0.01
    to 0.1. `min` must be above 0 then."""
    step: PositiveFloat | None = None
    """The distance between the values. Absent: any number; 1 for whole numbers. Not with `log`."""

    @pydantic.model_validator(mode="after")
    def _is_a_range(self) -> Range:
        if self.min >= self.max:
            raise ValueError(f"min ({self.min:g}) must be below max ({self.max:g})")
        if self.log and self.min <= 0:
            raise ValueError(f"min must be above 0 with log: true, found {self.min:g}")
        if self.log and self.step:
            raise ValueError("step and log exclude each other")
        return self


_CANDIDATES = 4
Value = bool | int | float | str
Choices = Annotated[tuple[Value, ...], Field(min_length=2)]


class Tuning(Section):
    """A node `Tuner` before the Trainer: it trains with many values and keeps the best ones."""

    trials: PositiveInt = 30
    """How many combinations of values are trained. The first one is what the configuration and
    `training.effort` say."""
    timeout: PositiveDuration | None = None
    """After this time no trial is started, and those that run end: `20m`, `2h`. Absent: no
    limit."""
    metric: str | None = None
    """The metric of the eval split that decides; one of those that `training.early_stopping.metric`
    can name. Absent: that one."""
    space: dict[str, Range | Choices] | None = None
    """What is searched: for each parameter a range (`{min: 0.0001, max: 0.01, log: true}`) or a
    list of values. Absent: ranges for learning rate, weight decay and the sizes of the network,
    except for values that the configuration sets; see [tuning.md](tuning.md)."""
    pruning: Literal["median", "hyperband", "none"] = "median"
    """Which trials end early: those that are worse than the median of the others at the same
    evaluation, or those that Hyperband drops."""
    candidates: NonNegativeInt | None = None
    """How many of the best trials, besides the first one, are trained three more times, each time
    with other rows held out. The values of the configuration, those of the first one, stay unless
    another is better beyond chance. 0: the split eval alone decides, as it does if it has 20,000
    rows. Absent: 4, or 0 if `data.split` has `by`, `time`, `column` or `folders`."""
    jobs: PositiveInt | None = None
    """How many trials are trained at the same time on a machine, each in a process with its share
    of the cores. Absent: one for each core, at most 8."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """On how many machines trials are trained, each with `jobs` of them: the pods of the node in an
    Argo Workflow. Elsewhere TFX_PIPELINE_WORKERS names the others; see
    [tuning.md](tuning.md#several-machines)."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    """The seed of the search. With one job, the same seed gives the same trials."""
    round: PositiveInt = 1
    """The best values are used again by later runs, also for new data, until this section, `model`,
    `training` or `label` changes. Another number here only asks for a new search."""
    tuner_fn: DottedPath | None = None
    """Your own `tuner_fn(fn_args)` as TFX's Tuner calls it, instead of this search. It returns a
    `TunerFnResult`."""

    def complete(self, task: str, training: Training, split: Split) -> Tuning:
        """These settings, with the metric that decides and the number of candidates."""
        stopping = training.early_stopping
        metric = self.metric or (stopping.metric if stopping else None)
        candidates = self.candidates
        if candidates is None:
            candidates = _CANDIDATES if split.is_by_row else 0
        update = {"metric": metric or STOPPING_METRICS[task][0], "candidates": candidates}
        return self.model_copy(update=update)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A value that can be tuned.

    Attributes:
      path: where it is in the configuration; empty for `width` and `depth`, which together are
        `model.hidden_units`: the units of the first layer and the number of layers.
      kind: int, float or choice, where only a list can be searched.
      network: the range that is searched for a network if `tuning.space` is absent.
      linear: the same for a linear model.
      of_numbers: whether it matters only with columns of numbers.
    """

    path: tuple[str, ...]
    kind: Literal["int", "float", "choice"]
    network: Range | None = None
    linear: Range | None = None
    of_numbers: bool = False


_RATES = Range(min=0.0003, max=0.01, log=True)
_DECAYS = Range(min=1e-5, max=0.1, log=True)
_EMBEDDING = ("model", "numeric_embedding")

PARAMETERS: dict[str, Parameter] = {
    "learning_rate": Parameter(("training", "learning_rate"), "float", _RATES, _RATES),
    "weight_decay": Parameter(("training", "weight_decay"), "float", _DECAYS, _DECAYS),
    "dropout": Parameter(("model", "dropout"), "float", Range(min=0, max=0.5)),
    "width": Parameter((), "int", Range(min=64, max=512, log=True)),
    "depth": Parameter((), "int", Range(min=1, max=4)),
    "bins": Parameter((*_EMBEDDING, "bins"), "int", Range(min=8, max=128, log=True), None, True),
    "size": Parameter((*_EMBEDDING, "size"), "int", Range(min=4, max=24), None, True),
    "embedding": Parameter((*_EMBEDDING, "type"), "choice"),
    "frequency_std": Parameter((*_EMBEDDING, "frequency_std"), "float"),
    "l2": Parameter(("model", "l2"), "float", None, Range(min=1e-6, max=0.01, log=True)),
    "ensemble": Parameter(("model", "ensemble"), "int"),
    "wide": Parameter(("model", "wide"), "choice"),
    "batch_size": Parameter(("training", "batch_size"), "int"),
    "steps": Parameter(("training", "steps"), "int"),
    "warmup": Parameter(("training", "warmup"), "float"),
    "clip_norm": Parameter(("training", "clip_norm"), "float"),
    "label_smoothing": Parameter(("training", "label_smoothing"), "float"),
    "class_weights": Parameter(("training", "class_weights"), "choice"),
}
"""By name, what `tuning.space` can have."""

_MOST = {"width": 8192, "depth": 32}


def default_space(
    model_type: str, set_names: frozenset[str], has_numbers: bool
) -> dict[str, Range | Choices]:
    """What is searched if `tuning.space` is absent.

    Args:
      model_type: `model.type`.
      set_names: the parameters that the configuration sets; those stay.
      has_numbers: whether the model reads numbers that are embedded.
    """
    found: dict[str, Range | Choices] = {}
    for name, parameter in PARAMETERS.items():
        values = parameter.linear if model_type == "linear" else parameter.network
        if values and name not in set_names and (has_numbers or not parameter.of_numbers):
            found[name] = values
    return found


def set_names(model: Model, training: Training) -> frozenset[str]:
    """The parameters whose values in the sections are not the default."""
    sections: dict[str, Section | None] = {"model": model, "training": training}
    names = set()
    for name, parameter in PARAMETERS.items():
        section, *rest = parameter.path or ("model", "hidden_units")
        owner = sections[section] if len(rest) == 1 else model.numeric_embedding
        if owner is None:
            continue
        default = type(owner).model_fields[rest[-1]].default
        if getattr(owner, rest[-1]) != default:
            names.add(name)
    return frozenset(names)


def space_problems(space: Mapping[Any, Any]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a space, as plain data: the parameter, the message, the remedy."""
    for name, wanted in space.items():
        if name not in PARAMETERS:
            remedy = did_you_mean(str(name), PARAMETERS) or f"Use one of {', '.join(PARAMETERS)}"
            yield str(name), f"there is no parameter {str(name)!r}", remedy
            continue
        if isinstance(wanted, dict):
            if PARAMETERS[name].kind == "choice":
                yield name, "is no number and has no range", "Write a list of values"
                continue
            values = [wanted.get("min"), wanted.get("max")]
            if PARAMETERS[name].kind == "int":
                values.append(wanted.get("step"))
        else:
            values = wanted if isinstance(wanted, list) else []
        for value in values:
            problem = None if value is None else _problem(name, value)
            if problem:
                yield name, problem, ""
                break


def _problem(name: str, value: Any) -> str | None:
    """Why a parameter cannot have a value; None if it can."""
    if isinstance(value, float) and value.is_integer() and PARAMETERS[name].kind == "int":
        value = int(value)
    path = PARAMETERS[name].path
    if not path:
        if isinstance(value, int) and 0 < value <= _MOST[name] and not isinstance(value, bool):
            return None
        return f"must be a whole number from 1 to {_MOST[name]}, found {value!r}"
    owners: dict[str, type[Section]] = {"model": Model, "training": Training}
    owner = owners[path[0]] if len(path) == 2 else NumericEmbedding
    try:
        resolved = owner.model_validate({path[-1]: value})
    except pydantic.ValidationError as error:
        rule = error.errors()[0]["msg"].replace("Input should be", "it must be")
        return f"cannot be {value!r}: {rule}"
    if isinstance(value, bool) and getattr(resolved, path[-1]) is not value:
        return f"must not be true or false, found {str(value).lower()}"
    return None
