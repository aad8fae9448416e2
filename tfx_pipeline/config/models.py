"""The typed, frozen configuration: the sections and keys of `pipeline.yaml`.

Nothing here imports TensorFlow or TFX. `loader` reads files and applies `--set`;
`preflight` checks what needs the data or the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic import Field

from tfx_pipeline.config import metric_catalog
from tfx_pipeline.config.airflow import Airflow
from tfx_pipeline.config.base import DottedPath, Section
from tfx_pipeline.config.columns import Column
from tfx_pipeline.config.data_gates import Gates, SchemaSource
from tfx_pipeline.config.data_source import Data
from tfx_pipeline.config.features import Feature
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.config.label import Label
from tfx_pipeline.config.metadata_database import SQLITE, MetadataDatabase
from tfx_pipeline.config.training import EarlyStopping as EarlyStopping
from tfx_pipeline.config.training import Model as Model
from tfx_pipeline.config.training import Training as Training
from tfx_pipeline.config.treatment import Auto
from tfx_pipeline.config.tuning import Tuning
from tfx_pipeline.storage import layout

PipelineName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""Lower case, digits and `-`: what Kubernetes, Airflow and TensorFlow Serving all accept."""


class Threshold(Section):
    """The bounds of a metric that a model must meet to be blessed."""

    min: float | None = None
    """The metric must be at least this value."""
    max: float | None = None
    """The metric must be at most this value."""
    not_worse_than_baseline_by: Annotated[float, Field(ge=0)] | None = None
    """How much worse than the baseline model's value the metric may be. Without a baseline this
    rule is skipped."""

    @pydantic.model_validator(mode="after")
    def _has_a_bound(self) -> Threshold:
        if self.min is None and self.max is None and self.not_worse_than_baseline_by is None:
            raise ValueError("is empty; give min, max or not_worse_than_baseline_by")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max})")
        return self


class Evaluation(Section):
    """The metrics on the test split, and the thresholds that bless a model."""

    metrics: tuple[str, ...] = ()
    """The metrics to compute; [metrics.md](metrics.md) lists them. Absent: the defaults of the
    task."""
    thresholds: dict[str, Threshold] = {}
    """For each metric, the bounds that a model must meet to be blessed. They apply to all rows of
    the test split together. Each metric must be in `metrics`."""
    slices: tuple[tuple[str, ...], ...] = ()
    """Lists of columns. The metrics are also computed for each combination of these columns'
    values."""


class Serving(Section):
    """Where blessed models go, in TensorFlow Serving's layout: `push_dir/<version>/`."""

    model_name: PipelineName | None = None
    """The model's name in requests to a server. Absent: the pipeline's `name`."""
    push_dir: str | None = None
    """The folder of pushed models; each version is a subfolder. Absent:
    `<root>/serving/<model_name>`."""


class Beam(Section):
    """Where Apache Beam processes the data; docs/scaling.md shows examples."""

    runner: str = "direct"
    """`direct` runs inside the node's process. Any other name is passed to Beam, for example
    `FlinkRunner`."""
    options: tuple[str, ...] = ()
    """Options that are passed to Beam unchanged, for example `--flink_master=flink:8081`."""


class Modules(Section):
    """Your own functions instead of the library's, as dotted paths: `mycode.trainer.run_fn`."""

    preprocessing_fn: DottedPath = "tfx_pipeline.modeling.preprocessing.preprocessing_fn"
    """The function that Transform calls."""
    run_fn: DottedPath = "tfx_pipeline.modeling.trainer.run_fn"
    """The function that the Trainer calls."""
    create_pipeline: DottedPath = "tfx_pipeline.compiler.standard_pipeline.create_pipeline"
    """A function that returns the whole TFX pipeline; it may take the configuration. Such a
    pipeline needs none of the sections `data`, `schema`, `label`, `features`, `model`, `training`
    and `evaluation`."""
    extend: tuple[DottedPath, ...] = ()
    """Functions that take the pipeline and the configuration and return more TFX components."""

    @property
    def only_standard_nodes(self) -> bool:
        """Whether all nodes are of the library's standard pipeline."""
        return self.create_pipeline == Modules().create_pipeline and not self.extend


class PipelineConfig(Section):
    """What every pipeline has, also one whose nodes a user's function makes.

    Relative paths start at the folder of the file.
    """

    name: PipelineName
    """The pipeline's name: 1 to 63 lower-case letters, digits and `-`."""
    description: str = ""
    """One sentence about the pipeline, shown by Airflow and Kubeflow."""
    root: str = "build"
    """The folder of all artifacts and runs, local or on an object store (`s3://`, `gs://`).
    `--root` overrides it."""
    metadata: MetadataDatabase = SQLITE
    """ML Metadata's database: `sqlite`, or `mysql://USER@HOST[:PORT]/DATABASE`. The password is
    read from the variable `TFX_PIPELINE_METADATA_PASSWORD`. Parameters for TLS follow a `?`:
    `ssl=true`, or absolute paths in `ssl_ca`, `ssl_cert` and `ssl_key`."""
    serving: Serving = Serving()
    """Where blessed models are pushed."""
    beam: Beam = Beam()
    """Where the data is processed."""
    modules: Modules = Modules()
    """Your own code instead of the bundled code."""
    report: bool = True
    """Whether the last task of each run writes its [report](report.md)."""
    airflow: Airflow = Airflow()
    """How Airflow schedules and runs the pipeline."""
    kubeflow: Kubeflow = Kubeflow()
    """How Kubeflow Pipelines and Argo Workflows run the pipeline."""
    folder: str = Field("", exclude=True)
    """The configuration file's folder; relative paths and `modules` start here."""

    @property
    def model_name(self) -> str:
        """The model's name in the model server."""
        return self.serving.model_name or self.name

    @property
    def push_dir(self) -> str:
        """The folder of the pushed versions."""
        return self.serving.push_dir or layout.join(self.root, "serving", self.model_name)

    def dump(self) -> dict[str, Any]:
        """The resolved values as plain data, with the keys of the file."""
        return self.model_dump(mode="json", by_alias=True)


class Config(PipelineConfig):
    """The standard pipeline: what every pipeline has, the data, the model and its evaluation."""

    data: Data
    """Where the rows come from."""
    columns: dict[str, Column] = {}
    """The types of columns whose values alone do not tell them, for example `zip: text`. Other
    columns have the type in the schema, or the one that all their values have."""
    schema_source: SchemaSource = Field(SchemaSource(), alias="schema")
    """The schema that the rows must match."""
    gates: Gates = Gates()
    """What is compared before training, beside the schema."""
    label: Label
    """The column to predict."""
    features: dict[str, Feature] = {}
    """For each column that the model reads, its treatment; `{}` lets the run decide it from the
    schema and the statistics of the training split. Absent: all columns except the label, the
    weight, identifiers and columns of one value. `tfx-pipeline check` prints what is decided."""
    model: Model = Model()
    """The network."""
    training: Training = Training()
    """How the network is trained."""
    tuning: Tuning | None = None
    """A search for better values of `model` and `training`. Absent: no search."""
    evaluation: Evaluation = Evaluation()
    """The metrics, and the thresholds that a model must meet."""

    @property
    def undecided(self) -> bool:
        """Whether the run decides the treatment of a column."""
        return not self.features or any(isinstance(f, Auto) for f in self.features.values())

    @pydantic.model_validator(mode="after")
    def _has_metrics(self) -> Config:
        if not self.evaluation.metrics:
            chosen = tuple(metric_catalog.DEFAULTS[self.label.task])
            if self.label.weight:
                chosen += ("weighted_example_count",)
            object.__setattr__(
                self, "evaluation", self.evaluation.model_copy(update={"metrics": chosen})
            )
        names = (*self.evaluation.thresholds, *self.evaluation.metrics)
        training = self.training.with_stopping_metric(self.label.task, names)
        object.__setattr__(self, "training", training)
        if self.tuning is not None:
            tuning = self.tuning.complete(self.label.task, training, self.data.split)
            object.__setattr__(self, "tuning", tuning)
        return self


def config_class(values: Mapping[Any, Any]) -> type[PipelineConfig]:
    """The class for a configuration's plain values.

    A pipeline that a user's function makes needs none of the standard pipeline's sections:
    without any of them it is a `PipelineConfig`.
    """
    modules = values.get("modules")
    path = modules.get("create_pipeline") if isinstance(modules, Mapping) else None
    is_own = path not in (None, Modules().create_pipeline)
    fields = {field.alias or name for name, field in Config.model_fields.items()}
    standard = fields - {*PipelineConfig.model_fields}
    return PipelineConfig if is_own and not standard & set(values) else Config
