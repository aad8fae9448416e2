"""Stock TFX's pipeline, run by stock TFX's LocalDagRunner.

    python -m benchmarks.stock.pipeline --data data/taxi --root /tmp/stock --steps 1000

The standard components as the taxi template wires them, with metrics by hour of
the day. Prints one JSON document: seconds by node, in total, and the metrics.
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import time

import click

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
MODULES = "benchmarks.stock.taxi_modules"


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--root", required=True, type=click.Path(path_type=pathlib.Path))
@click.option("--steps", default=1000, show_default=True, help="Training steps of 40 rows.")
@click.option("--data-only", is_flag=True, help="Stop after Transform.")
def command(data: str, root: pathlib.Path, steps: int, data_only: bool) -> None:
    """Run stock TFX's taxi pipeline once."""
    began = time.monotonic()
    from tfx import v1 as tfx

    imported = time.monotonic() - began
    nodes = time_nodes()
    create = create_data_pipeline if data_only else create_pipeline
    tfx.orchestration.LocalDagRunner().run(
        create(tfx, os.path.abspath(data), root.absolute(), steps)
    )
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_mb": usage.ru_maxrss // 1024,
        "import_seconds": round(imported, 1),
        "nodes": nodes,
        "metrics": {} if data_only else metrics(root),
    }
    click.echo(json.dumps(result, indent=1))


def data_nodes(tfx, data: str) -> list:
    """Ingest, describe, validate and preprocess, as the template does."""
    c = tfx.components
    examples = c.CsvExampleGen(input_base=data)
    statistics = c.StatisticsGen(examples=examples.outputs["examples"])
    schema = c.SchemaGen(statistics=statistics.outputs["statistics"])
    validator = c.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    transform = c.Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn=f"{MODULES}.preprocessing_fn",
    )
    return [examples, statistics, schema, validator, transform]


def create_data_pipeline(tfx, data: str, root: pathlib.Path, _: int):
    """Only what comes before training."""
    return assemble(tfx, root, data_nodes(tfx, data))


def create_pipeline(tfx, data: str, root: pathlib.Path, steps: int):
    """The template's pipeline, without the parts it leaves out by default."""
    c = tfx.components
    nodes = data_nodes(tfx, data)
    examples, _, schema, _, transform = nodes
    trainer = c.Trainer(
        run_fn=f"{MODULES}.run_fn",
        examples=transform.outputs["transformed_examples"],
        schema=schema.outputs["schema"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=tfx.proto.TrainArgs(num_steps=steps),
        eval_args=tfx.proto.EvalArgs(num_steps=75),
    )
    resolver = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model_resolver")
    evaluator = c.Evaluator(
        examples=examples.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=resolver.outputs["model"],
        eval_config=evaluation_config(),
    )
    pusher = c.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(root / "serving"))
        ),
    )
    return assemble(tfx, root, [*nodes, trainer, resolver, evaluator, pusher])


def assemble(tfx, root: pathlib.Path, nodes: list):
    """A pipeline with everything below `root`."""
    return tfx.dsl.Pipeline(
        pipeline_name="stock",
        pipeline_root=str(root),
        components=nodes,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(root / "metadata.db")
        ),
    )


def evaluation_config():
    """AUC and accuracy, overall and by hour, with the template's change threshold."""
    import tensorflow_model_analysis as tfma

    change = tfma.GenericChangeThreshold(
        direction=tfma.MetricDirection.HIGHER_IS_BETTER, absolute={"value": -0.05}
    )
    bound = tfma.GenericValueThreshold(lower_bound={"value": 0.6})
    threshold = tfma.MetricThreshold(value_threshold=bound, change_threshold=change)
    metrics = [
        tfma.MetricConfig(class_name="AUC", threshold=threshold),
        tfma.MetricConfig(class_name="BinaryAccuracy"),
        tfma.MetricConfig(class_name="ExampleCount"),
    ]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name="serving_default",
                label_key="tips_xf",
                preprocessing_function_names=["transform_features"],
            )
        ],
        slicing_specs=[
            tfma.SlicingSpec(),
            tfma.SlicingSpec(feature_keys=["trip_start_hour"]),
        ],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
    )


def time_nodes() -> dict[str, dict[str, float]]:
    """Notes wall and CPU seconds of each node from now on; LocalDagRunner runs all in here."""
    from tfx.orchestration.portable import launcher

    nodes: dict[str, dict[str, float]] = {}
    launch = launcher.Launcher.launch

    def timed(self):
        began, before = time.monotonic(), os.times()
        try:
            return launch(self)
        finally:
            cpu = sum(os.times()[:4]) - sum(before[:4])
            taken = {"wall": time.monotonic() - began, "cpu": cpu}
            nodes[self._pipeline_node.node_info.id] = {k: round(v, 2) for k, v in taken.items()}

    launcher.Launcher.launch = timed
    return nodes


def metrics(root: pathlib.Path) -> dict[str, float]:
    """AUC and accuracy as the Evaluator wrote them."""
    import tensorflow_model_analysis as tfma

    folder = max((root / "Evaluator" / "evaluation").iterdir(), key=lambda path: int(path.name))
    overall = tfma.load_eval_result(str(folder)).get_metrics_for_slice()
    return {name: round(value["doubleValue"], 4) for name, value in overall.items()}


if __name__ == "__main__":
    command()
