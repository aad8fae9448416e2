"""Tuner's executor: a search with Optuna, from the section `tuning`."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import pathlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tfx.components.trainer import fn_args_utils
from tfx.dsl.components.base import base_executor
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.utils import json_utils

from tfx_pipeline import errors
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.executor_outcome import completed_output, reports_refusals
from tfx_pipeline.components.tuner import results
from tfx_pipeline.components.tuner.worker import Start
from tfx_pipeline.config import durations, tuning
from tfx_pipeline.storage import file_lock, layout

if TYPE_CHECKING:
    from tfx_pipeline.components.tuner.pool import Pool
    from tfx_pipeline.components.tuner.study import Study

_log = logging.getLogger(__name__)
_NOT_ASKED = ("jobs", "timeout", "workers")
"""Settings that do not ask for another search."""
_EVERY_STUDY = ("trials", "candidates", *_NOT_ASKED)
"""Settings with which a search can be continued."""


class Executor(base_executor.BaseExecutor):
    """Searches values, or takes those of an earlier search with the same settings."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput:
        """Writes the best values and all trials.

        Raises:
          ConfigError: a column is not in the schema, or Optuna is not installed.
          NodeError: no trial trained to its end.
        """
        best, found_in = (
            artifact_utils.get_single_uri(output_dict[key])
            for key in ("best_hyperparameters", "tuner_results")
        )
        request = _Request.of(input_dict, exec_properties)
        folder = layout.trials_folder(best)
        kept = layout.join(folder, request.settings_key)
        with _alone(layout.join(folder, "search.lock")):
            found, is_new = results.read(kept), False
            if found is None:
                found, is_new = _search(request, folder), True
                results.keep(found, kept)
        results.write(found, best, found_in)
        return completed_output(output_dict, _summary(found, is_new))


@contextlib.contextmanager
def _alone(file: str) -> Iterator[None]:
    """No other run of this pipeline on this machine searches inside."""
    if layout.is_remote(file):
        yield
        return
    with file_lock.held(pathlib.Path(file), lambda: _log.info("Another run searches; waiting")):
        yield


@dataclasses.dataclass(frozen=True)
class _Request:
    """What the node is asked for.

    Attributes:
      settings: the section `tuning`.
      fixed: parameters that the default space leaves out.
      run_fn: the dotted path of the function that trains.
      inputs: the input artifacts.
      exec_properties: what TFX makes `fn_args` from.
      settings_key: the same for all searches whose result is used again.
      study_key: the same for all searches of which one continues the other.
    """

    settings: tuning.Tuning
    fixed: frozenset[str]
    run_fn: str
    inputs: Artifacts
    exec_properties: dict[str, str]
    settings_key: str
    study_key: str

    @classmethod
    def of(cls, inputs: Artifacts, exec_properties: dict[str, Any]) -> _Request:
        """The request of an execution."""
        asked = json.loads(exec_properties["tuning"])
        sections = json_utils.loads(exec_properties["custom_config"]) or {}
        if isinstance(sections.get("training"), dict):
            # Trials run side by side instead, each on one device.
            sections["training"] = {**sections["training"], "strategy": "none", "workers": None}
        custom_config = json_utils.dumps(sections)
        asked_sections = {name: sections.get(name) for name in ("model", "training", "label")}
        uris = {key: [artifact.uri for artifact in found] for key, found in inputs.items()}
        others = {k: str(v) for k, v in exec_properties.items() if k != "tuning"}
        others["custom_config"] = custom_config
        return cls(
            settings=tuning.Tuning(**asked["settings"]),
            fixed=frozenset(asked["fixed"]),
            run_fn=exec_properties["run_fn"],
            inputs=inputs,
            exec_properties={
                "custom_config": custom_config,
                "train_args": json.dumps({"splits": ["train"]}),
                "eval_args": json.dumps({"splits": ["eval"]}),
            },
            settings_key=_digest(_without(asked, _NOT_ASKED), asked_sections),
            study_key=_digest(_without(asked, _EVERY_STUDY), others, uris),
        )


def _without(asked: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    settings = {k: v for k, v in asked["settings"].items() if k not in names}
    return {**asked, "settings": settings}


def _digest(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _search(request: _Request, folder: str) -> dict[str, Any]:
    """Searches; returns the content of `trials.json`."""
    # Only here, so that an earlier result can be used without what a search needs.
    try:
        from tfx_pipeline.components.tuner import machines, search_space
        from tfx_pipeline.components.tuner.pool import Pool
        from tfx_pipeline.components.tuner.search import Search
        from tfx_pipeline.components.tuner.study import Study
    except ModuleNotFoundError as error:
        raise errors.MissingExtra("Optuna, for the section 'tuning',", "tuning") from error
    from tfx_pipeline.modeling import eval_metrics

    began, settings = time.time(), request.settings
    space, first = _space(request)
    metric = settings.metric or ""
    higher_is_better = eval_metrics.higher_is_better(metric)
    start = Start(request.run_fn, json_utils.dumps(request.inputs), request.exec_properties, metric)
    found = machines.machines(start, settings.jobs, settings.trials)
    jobs = sum(machine.jobs for machine in found)
    study = Study(
        layout.join(folder, f"{request.study_key}.log"),
        search_space.distributions(space),
        settings,
        higher_is_better,
        search_space.within(space, first),
        jobs,
    )
    _log.info(
        "%d trials, %d at a time%s; %d are there already. Searched: %s",
        settings.trials,
        jobs,
        f" on {len(found)} machines" if len(found) > 1 else "",
        len(study.records),
        ", ".join(space),
    )
    seconds = durations.seconds(settings.timeout) if settings.timeout else None
    candidates = settings.candidates or 0
    with Pool(found, seconds) as pool:
        pool.run(Search(study, metric, pool))
        if candidates and study.best is not None:
            _compare(study, metric, pool, candidates, request)
    chosen = study.chosen(candidates)
    if chosen is None:
        raise errors.NodeError(_why_no_trial(study.records, pool.timed_out, settings))
    return {
        "version": results.VERSION,
        "metric": metric,
        "higher_is_better": higher_is_better,
        "best": chosen.trial.number + 1,
        "best_value": chosen.trial.value,
        "best_mean": chosen.mean,
        "seconds": time.time() - began,
        "timed_out": pool.timed_out,
        "space": {name: _plain(wanted) for name, wanted in space.items()},
        "configured": first,
        "trials": study.records,
    }


def _compare(study: Study, metric: str, pool: Pool, candidates: int, request: _Request) -> None:
    """Trains the best trials with other rows held out, if the splits are small enough."""
    from tfx_pipeline.components.tuner import divisions
    from tfx_pipeline.components.tuner.cross_validation import CrossValidation

    fn_args = fn_args_utils.get_common_fn_args(request.inputs, request.exec_properties)
    count = divisions.count(fn_args.train_files, fn_args.eval_files)
    comparison = CrossValidation(study, metric, pool, candidates, count)
    if comparison.left:
        _log.info(
            "Compares the best %d trials and trial 1 with other rows held out: %d trainings",
            candidates,
            comparison.left,
        )
    pool.run(comparison)


def _space(
    request: _Request,
) -> tuple[dict[str, tuning.Range | tuning.Choices], dict[str, tuning.Value]]:
    """What is searched, and the values that the configuration and the effort say."""
    from tfx_pipeline.modeling import hyperparameters, training

    space = request.settings.space
    if space is not None and "features" not in json_utils.loads(
        request.exec_properties["custom_config"]
    ):
        return space, {}  # a run_fn of the user's own, which reads no section of the configuration
    fn_args = fn_args_utils.get_common_fn_args(request.inputs, request.exec_properties)
    setup = training.read_setup(fn_args)
    if space is None:
        embedding = setup.model.numeric_embedding
        has_numbers = setup.table.has_ordered and embedding is not None and embedding.type != "none"
        space = tuning.default_space(setup.model.type, request.fixed, has_numbers)
    if not space:
        raise errors.ConfigError(
            errors.Problem(
                "tuning.space",
                "is absent, and the configuration sets every value that is searched by default",
                "Name what to search, or leave values out of model and training",
            )
        )
    return space, hyperparameters.values_of(setup.model, setup.training)


def _plain(wanted: tuning.Range | tuning.Choices) -> Any:
    if isinstance(wanted, tuning.Range):
        return wanted.model_dump(exclude_none=True)
    return list(wanted)


def _why_no_trial(records: list[dict[str, Any]], timed_out: bool, settings: tuning.Tuning) -> str:
    failed = [record for record in records if record["state"] == "failed"]
    if failed and len(failed) == len(records):
        return f"all {len(failed)} trials failed. The last: {failed[-1]['reason']}"
    if timed_out:
        reached = max((record["evaluations"] for record in records), default=0)
        return (
            f"no trial ended within tuning.timeout ({settings.timeout}); the longest had "
            f"{reached} evaluations. Give it more time, or set training.effort: quick"
        )
    return f"none of {len(records)} trials trained to its end"


def _summary(found: dict[str, Any], is_new: bool) -> str:
    states = [trial["state"] for trial in found["trials"]]
    counts = [f"{states.count(s)} {s}" for s in ("pruned", "failed") if s in states]
    others = f" ({', '.join(counts)})" if counts else ""
    origin = "" if is_new else ", of an earlier search with the same settings"
    late = ", until the time was over" if found["timed_out"] else ""
    best_mean = found.get("best_mean")
    mean = "" if best_mean is None else f", {best_mean:.4f} by cross-validation"
    return (
        f"{found['metric']} {found['best_value']:.4f}{mean} by trial {found['best']} of "
        f"{len(states)}{others}{late}{origin}"
    )
