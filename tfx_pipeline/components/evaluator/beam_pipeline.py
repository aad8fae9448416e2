"""The Beam pipeline of the Evaluator: few elements, few stages, TFMA's files."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
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
from tfx_pipeline.components.common.reshuffled_create import CreateSpread
from tfx_pipeline.components.evaluator.metric_accumulators import Accumulator
from tfx_pipeline.components.evaluator.scoring import Scorer, SliceKey, Tallies

_BATCH = 4096


def evaluate(
    files: list[str],
    models: Mapping[str, str],
    task: str,
    config: config_pb2.EvalConfig,
    output: str,
) -> beam.PTransform:
    """Evaluates models on examples and writes what TFMA writes.

    Args:
      files: TFRecord files of raw examples.
      models: folders of SavedModels by model name, in the order of the model specs.
      task: binary, multiclass or regression.
      config: TFMA's, with its defaults filled in.
      output: folder of metrics, plots and validations.
    """
    return _Evaluate(files, models, task, config, output)


class _Evaluate(beam.PTransform):
    def __init__(self, files, models, task, config, output):
        super().__init__()
        self._files, self._models, self._task = files, models, task
        self._config, self._output = config, output

    def expand(self, pipeline: beam.Pipeline) -> dict[str, beam.PCollection]:
        spec = self._config.model_specs[0]
        scorer = functools.partial(
            Scorer,
            dict(self._models),
            spec.label_key,
            self._task,
            spec.prediction_key,
            [list(slicing.feature_keys) for slicing in self._config.slicing_specs],
        )
        metrics = (
            pipeline
            | "Files" >> CreateSpread(self._files)
            | "Score" >> beam.ParDo(_Score(scorer))
            | "Merge" >> beam.CombinePerKey(_Merge())
            | "Metrics" >> beam.MapTuple(functools.partial(_metrics, self._config))
        )
        validations = metrics | "Validate" >> beam.Map(
            metrics_validator.validate_metrics, self._config
        )
        nothing = metrics | "NoPlots" >> beam.FlatMap(lambda _: ())
        results = {
            constants.METRICS_KEY: metrics,
            constants.PLOTS_KEY: nothing,
            constants.ATTRIBUTIONS_KEY: nothing,
            constants.VALIDATIONS_KEY: validations,
        }
        return {w.stage_name: results | w.stage_name >> w.ptransform for w in self._writers()}

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
            # TFX says of every first model that it is blessed without comparison.
            rubber_stamp=len(self._models) == 1,
        )


class _Score(beam.DoFn):
    """From a file to its slices' accumulators."""

    def __init__(self, scorer: functools.partial[Scorer]):
        self._make_scorer = scorer
        self._scorer: Scorer | None = None

    def setup(self) -> None:
        self._scorer = self._make_scorer()

    def teardown(self) -> None:
        if self._scorer is not None:
            self._scorer.close()

    def process(self, path: str) -> Iterator[tuple[SliceKey, dict[str, Accumulator]]]:
        merged: Tallies = {}
        for batch in example_files.batches(path, _BATCH):
            for key, accumulators in self._scorer.accumulators(batch).items():
                merged[key] = _merge(merged[key], accumulators) if key in merged else accumulators
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
    """TFMA's keys: each model's metrics, and how the candidate differs from the baseline."""
    names = metric_names(config)
    values = {model: accumulator.metrics() for model, accumulator in accumulators.items()}
    result = {
        metric_types.MetricKey(name, model_name=model): of_model[name]
        for model, of_model in values.items()
        for name in names
    }
    if constants.BASELINE_KEY in values:
        candidate, baseline = values[constants.CANDIDATE_KEY], values[constants.BASELINE_KEY]
        for name in names:
            metric = metric_types.MetricKey(name, model_name=constants.CANDIDATE_KEY)
            result[metric.make_diff_key()] = candidate[name] - baseline[name]
    return key, result


def metric_names(config: config_pb2.EvalConfig) -> list[str]:
    """Our names of the metrics; see `evaluation_config`."""
    specs = [metric for spec in config.metrics_specs for metric in spec.metrics]
    return [json.loads(metric.config)["name"] for metric in specs]
