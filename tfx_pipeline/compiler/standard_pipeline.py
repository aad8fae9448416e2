"""Creates the standard pipeline from a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfx_pipeline.config.models import Config
from tfx_pipeline.config.training import RUNTIME_PARAMETERS
from tfx_pipeline.storage.layout import Layout

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode
    from tfx.orchestration.data_types import RuntimeParameter
    from tfx.orchestration.pipeline import Pipeline
    from tfx.proto.range_config_pb2 import RangeConfig
    from tfx.types import BaseChannel

COMPONENTS = (
    "BaselineResolver",
    "BaselineStatistics",
    "DataGate",
    "Evaluator",
    "ExampleGen",
    "ExampleValidator",
    "ExportCheck",
    "ImportSchemaGen",
    "Pusher",
    "SchemaGen",
    "StatisticsGen",
    "Trainer",
    "Transform",
)
"""The components that each standard pipeline can use. Only some have a Tuner, which is slow to
import."""


def create_pipeline(config: Config) -> Pipeline:
    """Returns the TFX pipeline that `config` describes.

    Its nodes read and validate the data, preprocess it, train, evaluate and push a
    model. Each node waits for the nodes whose outputs it reads, and for the gates.
    """
    from tfx_pipeline import components as c

    example_gen = c.ExampleGen(**ingestion(config)).with_id("ExampleGen")
    examples = example_gen.outputs["examples"]

    statistics_gen = c.StatisticsGen(examples=examples).with_id("StatisticsGen")
    statistics = statistics_gen.outputs["statistics"]
    schema_gen = c.SchemaGen(statistics=statistics, infer_feature_shape=False).with_id("SchemaGen")
    schema_node = curated_schema(config) or schema_gen
    schema = schema_node.outputs["schema"]

    validator = c.ExampleValidator(statistics=statistics, schema=schema).with_id("ExampleValidator")
    earlier = earlier_data(config, statistics, examples)
    gate = c.DataGate(
        anomalies=validator.outputs["anomalies"],
        statistics=statistics,
        schema=schema,
        label=config.label.name,
        task=config.label.task,
        on_anomaly=config.schema_source.on_anomaly,
        examples=examples,
        classes=config.label.classes,
        positive=config.label.positive,
        weight=config.label.weight,
        gates=comparisons(config),
        baseline_statistics=earlier.outputs["statistics"] if config.gates.drift else None,
        baseline_examples=earlier.outputs["examples"] if config.gates.bias else None,
    ).with_id("DataGate")

    transform = c.Transform(
        examples=examples,
        schema=schema,
        statistics=statistics,
        **preprocessing(config),
    ).with_id("Transform")
    transform.add_upstream_node(gate)

    tuner = tuner_before(config, transform, schema)
    trainer = c.Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        run_fn=config.modules.run_fn,
        custom_config={**treatment(config), **network(config)},
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        **trainer_parameters(config),
    ).with_id("Trainer")
    model = trainer.outputs["model"]

    export_check = c.ExportCheck(
        model=model,
        examples=examples,
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        label=config.label.name,
    ).with_id("ExportCheck")

    # The Evaluator does not wait for the export check: a baseline is blessed by both.
    baseline = c.BaselineResolver(model=model).with_id("BaselineResolver")
    evaluator = c.Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline.outputs["model"],
        **evaluation(config),
    ).with_id("Evaluator")

    pusher = c.Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=export_check.outputs["blessing"],
        push_dir=config.push_dir,
    ).with_id("Pusher")

    nodes = [example_gen, statistics_gen, schema_gen, schema_node, validator, gate, transform]
    nodes += [node for node in (earlier, tuner) if node]
    nodes += [trainer, export_check, baseline, evaluator, pusher]
    return assemble(config, nodes)


def assemble(config: Config, nodes: list[BaseNode]) -> Pipeline:
    """Makes a pipeline of nodes, with the configuration's name, root, metadata and Beam options."""
    from tfx.orchestration.pipeline import Pipeline

    from tfx_pipeline.metadata import database

    layout = Layout(config.root, config.name)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=layout.artifacts,
        components=list(dict.fromkeys(nodes)),
        enable_cache=True,
        metadata_connection_config=database.connection_config(config.metadata, layout.metadata_db),
        beam_pipeline_args=[*beam_arguments(config)],
    )


def ingestion(config: Config) -> dict[str, Any]:
    """ExampleGen's arguments; the data's path can be changed at run time."""
    return {
        **_place(config),
        "format": config.data.format,
        "split": config.data.split.shares,
        "split_rule": split_rule(config),
        "range_config": spans(config),
        "schema_path": config.schema_source.path,
        "text": config.data.text_format,
        "columns": _column_types(config),
        "exclude": config.data.exclude,
        "label": config.label.name,
    }


def _column_types(config: Config) -> dict[str, dict[str, Any]]:
    """What ExampleGen needs of `columns`. A column with the treatment `image` is an image."""
    images = [name for name, f in config.features.items() if f.transform == "image"]
    of_treatments = {name: {"type": "image"} for name in images}
    keys = {"type", "format", "max_unreadable"}
    return of_treatments | {
        name: column.model_dump(include=keys, exclude_none=True)
        for name, column in config.columns.items()
    }


def _place(config: Config) -> dict[str, Any]:
    """Where ExampleGen finds the rows."""
    if config.data.is_sql:
        return {"input_base": config.data.url, "sql": config.data.sql}
    return {"input_base": runtime_parameter("data_path", str, config.data.path)}


def spans(config: Config) -> RangeConfig | None:
    """Which spans are read; None for the newest."""
    from tfx.proto import range_config_pb2 as ranges

    span = config.data.span
    if span is None:
        return None
    if isinstance(span, int):
        one = ranges.StaticRange(start_span_number=span, end_span_number=span)
        return ranges.RangeConfig(static_range=one)
    return ranges.RangeConfig(rolling_range=ranges.RollingRange(num_spans=span.last))


def split_rule(config: Config) -> dict[str, str] | None:
    """What divides the rows; None for the hash of the whole row."""
    split = config.data.split
    if split.folders:
        return {"kind": "folders"}
    if split.stratify:
        return {"kind": "stratify", "column": config.label.name}
    if split.rule is None:
        return None
    kind, column = split.rule
    declared = config.columns.get(column) if kind == "time" else None
    form = declared.model_dump(include={"format", "zone"}, exclude_none=True) if declared else {}
    return {"kind": kind, "column": column, **form}


def comparisons(config: Config) -> dict[str, Any] | None:
    """The DataGate's comparisons; None for none."""
    found = config.gates.model_dump(exclude_none=True)
    split = config.data.split
    if found and split.time:
        found["ignored"] = [split.time]
    return found or None


def earlier_data(config: Config, statistics: BaseChannel, examples: BaseChannel) -> Any:
    """The node that finds the last blessed model's data; None if no gate asks for it."""
    from tfx_pipeline import components as c

    if config.gates.bias:
        found = c.BaselineStatistics(statistics=statistics, examples=examples)
    elif config.gates.drift:
        found = c.BaselineStatistics(statistics=statistics)
    else:
        return None
    return found.with_id("BaselineStatistics")


def curated_schema(config: Config) -> BaseNode | None:
    """The node that imports the curated schema; None if there is none."""
    from tfx_pipeline import components as c

    if config.schema_source.path is None:
        return None
    return c.ImportSchemaGen(schema_file=config.schema_source.path).with_id("ImportSchemaGen")


def preprocessing(config: Config) -> dict[str, Any]:
    """Transform's arguments: those for which it works on record batches."""
    from tfx.proto import transform_pb2

    return {
        "preprocessing_fn": config.modules.preprocessing_fn,
        "custom_config": treatment(config),
        "splits_config": transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        "disable_statistics": True,
        "disable_analyzer_cache": True,
        "force_tf_compat_v1": True,
    }


def treatment(config: Config) -> dict[str, Any]:
    """The settings of preprocessing, and no others, so that caching is exact."""
    dumped = config.dump()
    names = config.data.split.no_features
    other = {"no_features": [*names]} if names else {}
    return {name: dumped[name] for name in ("columns", "features", "label")} | other


def network(config: Config) -> dict[str, Any]:
    """The settings of training without the runtime parameters."""
    dumped = config.dump()
    training = {k: v for k, v in dumped["training"].items() if k not in RUNTIME_PARAMETERS}
    return {"model": dumped["model"], "training": training}


def trainer_parameters(config: Config) -> dict[str, Any]:
    """Training values as TFX runtime parameters with the configured defaults; 0 is no value."""
    return {
        name: runtime_parameter(name, ptype, ptype(_default(config, name) or 0))
        for name, ptype in RUNTIME_PARAMETERS.items()
    }


def _default(config: Config, name: str) -> Any:
    """None for a value that the Tuner is asked to find: it would come before the Tuner's."""
    is_tuned = config.tuning is not None and name in (config.tuning.space or ())
    return None if is_tuned else getattr(config.training, name)


def tuner_before(config: Config, transform: BaseNode, schema: BaseChannel) -> Any:
    """The node that searches what the Trainer trains with; None without `tuning`."""
    from tfx_pipeline import components as c
    from tfx_pipeline.config import tuning

    if config.tuning is None:
        return None
    network_of_trials = network(config)
    network_of_trials["training"] |= {name: _default(config, name) for name in RUNTIME_PARAMETERS}
    shared: dict[str, Any] = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
        "schema": schema,
        "custom_config": {**treatment(config), **network_of_trials},
    }
    if config.tuning.tuner_fn:
        return c.Tuner(tuner_fn=config.tuning.tuner_fn, **shared).with_id("Tuner")
    return c.Tuner(
        tuning=config.tuning.model_dump(mode="json"),
        fixed=tuning.set_names(config.model, config.training),
        run_fn=config.modules.run_fn,
        **shared,
    ).with_id("Tuner")


def evaluation(config: Config) -> dict[str, Any]:
    """The Evaluator's metrics and slices, and the thresholds that bless a model."""
    dumped = config.evaluation.model_dump(exclude_none=True)
    thresholds = dumped["thresholds"]
    return {
        "label": config.label.name,
        "task": config.label.task,
        "weight": config.label.weight,
        "metrics": {name: thresholds.get(name) for name in dumped["metrics"]},
        "slices": [list(slice_) for slice_ in dumped["slices"]],
    }


def beam_arguments(config: Config) -> list[str]:
    """Beam's arguments. None for the direct runner: any argument costs seconds in each node."""
    if config.beam.runner == "direct":
        return list(config.beam.options)
    return [f"--runner={config.beam.runner}", *config.beam.options]


def runtime_parameter(name: str, ptype: type, default: Any) -> RuntimeParameter:
    """A TFX runtime parameter: a value that orchestrators show in their trigger forms."""
    from tfx.orchestration.data_types import RuntimeParameter

    return RuntimeParameter(name=name, ptype=ptype, default=default)
