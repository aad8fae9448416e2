"""The Evaluator's Beam pipeline: an element is a file; the output is in TFMA's format."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.writers import (
    eval_config_writer,
    metrics_plots_and_validations_writer,
)

from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.common.reshuffled_create import ReshuffledCreate
from tfx_pipeline.components.evaluator import plots
from tfx_pipeline.components.evaluator.details import WriteDetails
from tfx_pipeline.components.evaluator.metric_accumulators import Accumulator
from tfx_pipeline.components.evaluator.scoring import Scorer, SliceAccumulators
from tfx_pipeline.components.evaluator.slicing import SliceKey

_BATCH = 4096
_IMPORTANCE, _WEAK_SLICES = "importance", "weak_slices"


class Evaluate(beam.PTransform):
    """Evaluates models on examples and writes TFMA's files.

    Args:
      files: TFRecord files of raw examples.
      models: folders of SavedModels by model name, in the order of the model specs.
      task: binary, multiclass or regression.
      config: TFMA's configuration, with its defaults filled in.
      output: folder of metrics, plots and validations.
    """

    def __init__(
        self,
        files: list[str],
        models: Mapping[str, str],
        task: str,
        config: config_pb2.EvalConfig,
        output: str,
    ):
        super().__init__()
        self._files, self._models, self._task = files, models, task
        self._config, self._output = config, output

    def expand(self, pipeline: beam.Pipeline) -> dict[str, beam.PCollection]:
        """Adds reading, scoring, merging and writing to a pipeline."""
        spec = self._config.model_specs[0]
        scorer = functools.partial(
            Scorer,
            dict(self._models),
            spec.label_key,
            self._task,
            spec.prediction_key,
            [list(slicing.feature_keys) for slicing in self._config.slicing_specs],
            spec.example_weight_key,
        )
        scored = (
            pipeline
            | "Files" >> ReshuffledCreate(self._files)
            | "Score"
            >> beam.ParDo(_Score(scorer, self._files[0])).with_outputs(
                _IMPORTANCE, _WEAK_SLICES, main="slices"
            )
        )
        accumulated = scored["slices"] | "Merge" >> beam.CombinePerKey(_Merge())
        metrics = accumulated | "Metrics" >> beam.MapTuple(
            functools.partial(_metrics, self._config)
        )
        validations = metrics | "Validate" >> beam.Map(
            metrics_validator.validate_metrics, self._config
        )
        drawn = accumulated | "Plots" >> beam.FlatMapTuple(
            functools.partial(plots.of_slice, bool(spec.example_weight_key))
        )
        results = {
            constants.METRICS_KEY: metrics,
            constants.PLOTS_KEY: drawn,
            constants.ATTRIBUTIONS_KEY: metrics | "None" >> beam.FlatMap(lambda _: ()),
            constants.VALIDATIONS_KEY: validations,
        }
        written = {w.stage_name: results | w.stage_name >> w.ptransform for w in self._writers()}
        details = WriteDetails(self._config, self._task, self._output)
        described = (accumulated, scored[_IMPORTANCE], scored[_WEAK_SLICES])
        return {**written, "WriteDetails": described | "WriteDetails" >> details}

    def _writers(self) -> Iterable[Any]:
        yield eval_config_writer.EvalConfigWriter(
            self._output,
            eval_config=self._config,
            data_location=os.path.dirname(self._files[0]),
            data_file_format="tfrecords",
            model_locations=dict(self._models),
        )
        keys = (
            constants.METRICS_KEY,
            constants.PLOTS_KEY,
            constants.ATTRIBUTIONS_KEY,
            constants.VALIDATIONS_KEY,
        )
        yield metrics_plots_and_validations_writer.MetricsPlotsAndValidationsWriter(
            output_paths={key: os.path.join(self._output, key) for key in keys},
            eval_config=self._config,
            add_metrics_callbacks=[],
            output_file_format="tfrecord",
            # As in TFX: a first model is blessed without a comparison.
            rubber_stamp=len(self._models) == 1,
        )


class _Score(beam.DoFn):
    """Reads a file and makes the accumulators of its slices.

    Args:
      make_scorer: makes the scorer in the worker.
      sample: the file whose first rows show the importance of columns, and weak slices.
    """

    def __init__(self, make_scorer: Callable[[], Scorer], sample: str):
        self._make_scorer, self._sample = make_scorer, sample

    def setup(self) -> None:
        self._open = contextlib.ExitStack()
        self._scorer = self._open.enter_context(contextlib.closing(self._make_scorer()))

    def teardown(self) -> None:
        self._open.close()

    def process(self, path: str) -> Iterator[Any]:
        merged: SliceAccumulators = {}
        for number, batch in enumerate(example_files.batches(path, _BATCH)):
            scored = self._scorer.score(batch)
            for key, accumulators in self._scorer.accumulators(scored).items():
                merged[key] = _merge(merged[key], accumulators) if key in merged else accumulators
            if number == 0 and path == self._sample:
                importance = self._scorer.importance(batch)
                if importance:
                    yield beam.pvalue.TaggedOutput(_IMPORTANCE, importance)
                weak_slices = self._scorer.weak_slices(batch, scored)
                if weak_slices:
                    yield beam.pvalue.TaggedOutput(_WEAK_SLICES, weak_slices)
        yield from merged.items()


class _Merge(beam.CombineFn):
    def create_accumulator(self) -> dict[str, Accumulator]:
        return {}

    def add_input(self, accumulator, accumulators) -> dict[str, Accumulator]:
        return _merge(accumulator, accumulators)

    def merge_accumulators(self, accumulators) -> dict[str, Accumulator]:
        return functools.reduce(_merge, accumulators)

    def extract_output(self, accumulator) -> dict[str, Accumulator]:
        return accumulator


def _merge(one: dict[str, Accumulator], other: dict[str, Accumulator]) -> dict[str, Accumulator]:
    if not one or not other:
        return one or other
    return {name: one[name].merged(other[name]) for name in one}


def _metrics(
    config: config_pb2.EvalConfig, key: SliceKey, accumulators: dict[str, Accumulator]
) -> tuple[SliceKey, dict[metric_types.MetricKey, float]]:
    """Each model's metrics by TFMA's keys, and the candidate's differences from the baseline."""
    names = metric_names(config)
    weighted = bool(config.model_specs[0].example_weight_key)
    key_of = functools.partial(metric_types.MetricKey, example_weighted=weighted)
    values = {model: accumulator.metrics() for model, accumulator in accumulators.items()}
    result = {
        key_of(name, model_name=model): of_model[name]
        for model, of_model in values.items()
        for name in names
    }
    if constants.BASELINE_KEY in values:
        candidate, baseline = values[constants.CANDIDATE_KEY], values[constants.BASELINE_KEY]
        for name in names:
            metric = key_of(name, model_name=constants.CANDIDATE_KEY)
            result[metric.make_diff_key()] = candidate[name] - baseline[name]
    return key, result


def metric_names(config: config_pb2.EvalConfig) -> list[str]:
    """Our names of the configuration's metrics; see `eval_config`."""
    specs = [metric for spec in config.metrics_specs for metric in spec.metrics]
    return [json.loads(metric.config)["name"] for metric in specs]
