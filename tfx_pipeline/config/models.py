"""The typed, frozen configuration: the sections and keys of `pipeline.yaml`.

Nothing here imports TensorFlow or TFX. `loader` reads files and applies `--set`;
`preflight` checks what needs the data or the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from tfx_pipeline.config import metric_catalog
from tfx_pipeline.config.airflow import Airflow
from tfx_pipeline.config.base import Section
from tfx_pipeline.config.features import Feature
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.config.metadata_database import SQLITE, MetadataDatabase
from tfx_pipeline.storage import layout

DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
"""`package.module.name`, imported when it is used."""

PipelineName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""Lower case, digits and `-`: what Kubernetes, Airflow and TensorFlow Serving all accept."""


class Split(Section):
    """Hash buckets for each split; 6:2:2 means 60, 20 and 20 percent of the rows."""

    train: PositiveInt = 6
    """The share of the rows that the model is trained on, in hash buckets."""
    eval: PositiveInt = 2
    """The share for early stopping during training."""
    test: PositiveInt = 2
    """The share for the Evaluator and the export check; the Trainer never reads it."""


class Data(Section):
    """Where the rows come from."""

    format: Literal["csv", "parquet", "tfrecord"] = "csv"
    """The format of the files. CSV and TFRecord files may be compressed with gzip."""
    path: str
    """A folder of files, or one file. If it contains `{SPAN}` (and `{VERSION}`), ExampleGen
    reads the newest span. A runtime parameter, `data_path`."""
    split: Split = Split()
    """How the rows are divided into the splits train, eval and test."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between two values of a CSV row."""
    exclude: tuple[str, ...] = ()
    """Columns to leave out, in every format."""


class SchemaSource(Section):
    """The curated schema; without a path the inferred one is used."""

    path: str | None = None
    """The curated schema, a text file that TensorFlow Data Validation writes. Absent:
    SchemaGen's inferred schema is used."""
    on_anomaly: Literal["fail", "warn"] = "fail"
    """What happens when the data does not match the schema: `fail` stops the run before training
    (exit code 3), `warn` only reports it."""


class Label(Section):
    """The column to predict."""

    name: str
    """The column to predict. It must not be one of the features."""
    task: Literal["binary", "multiclass", "regression"]
    """The kind of prediction: `binary` (two classes), `multiclass` (several classes) or
    `regression` (a number)."""
    classes: tuple[str, ...] | None = None
    """The values of the label, in the order of the model's `probabilities`. Absent: for
    `binary`, 0/false/no and 1/true/yes; for `multiclass`, the values in the training split,
    the most frequent first."""


class Model(Section):
    """The network: normalised numerics and embeddings into dense layers, and a linear part."""

    hidden_units: tuple[PositiveInt, ...] = (64, 32)
    """The widths of the dense layers, the first layer first. An empty list leaves only linear
    layers."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of a dense layer's outputs that is dropped in training. 0: no dropout."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """The weight of the L2 penalty on the layers' weights. 0: no penalty."""
    wide: bool = True
    """Adds a linear part beside the dense layers (a wide-and-deep network)."""


class EarlyStopping(Section):
    """Stops when the eval loss has not improved for `patience` evaluations; keeps the best."""

    patience: PositiveInt = 5
    """After how many evaluations without an improvement the training ends."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """The smallest decrease of the eval loss that counts as an improvement."""


class Training(Section):
    """How the network is trained."""

    steps: PositiveInt = 1000
    """The largest number of training steps, rounded up to whole evaluations. A runtime
    parameter."""
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Rows per training step. A runtime parameter."""
    eval_every: PositiveInt = 200
    """Steps between two evaluations on the eval split."""
    learning_rate: PositiveFloat = 0.001
    """Adam's learning rate at the start; it falls to a twentieth of this value. A runtime
    parameter."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    """The seed of all random numbers in training: the same seed, data and machine give the same
    model."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    """When the training ends early. `null`: it always runs for `steps`, and the last weights are
    kept."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced` gives every class the same weight in the loss, however rare it is."""


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
    """The files that hold the rows."""
    schema_source: SchemaSource = Field(SchemaSource(), alias="schema")
    """The schema that the rows must match."""
    label: Label
    """The column to predict."""
    features: dict[str, Feature]
    """For each column that the model reads, its treatment."""
    model: Model = Model()
    """The network."""
    training: Training = Training()
    """How the network is trained."""
    evaluation: Evaluation = Evaluation()
    """The metrics, and the thresholds that a model must meet."""

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """The columns a model reads, without the label, in the order of the configuration."""
        return tuple(self.features)

    @pydantic.field_validator("features")
    @classmethod
    def _has_features(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not value:
            raise ValueError("names no column; a model needs at least one feature")
        return value

    @pydantic.model_validator(mode="after")
    def _has_metrics(self) -> Config:
        if not self.evaluation.metrics:
            chosen = tuple(metric_catalog.DEFAULTS[self.label.task])
            object.__setattr__(
                self, "evaluation", self.evaluation.model_copy(update={"metrics": chosen})
            )
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
