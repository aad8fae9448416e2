"""The typed, frozen configuration: the sections and keys of `pipeline.yaml`.

Nothing here imports TensorFlow or TFX. `loader` reads files and applies `--set`;
`preflight` checks what needs the data or the schema.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from tfx_pipeline.config import metric_catalog
from tfx_pipeline.config.airflow import Airflow
from tfx_pipeline.config.base import Section
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.config.features import Feature
from tfx_pipeline.config.kubeflow import Kubeflow
from tfx_pipeline.storage import layout

DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
"""`package.module.name`, imported when it is used."""

PipelineName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""Lower case, digits and `-`: what Kubernetes, Airflow and TensorFlow Serving all accept."""


class Split(Section):
    """Hash buckets for each split; 6:2:2 means 60, 20 and 20 percent of the rows."""

    train: PositiveInt = 6
    eval: PositiveInt = 2
    test: PositiveInt = 2


class Data(Section):
    """Where the rows come from.

    `path` is a folder of files or one file. If it contains `{SPAN}` (and `{VERSION}`),
    ExampleGen reads the newest span, as in TFX.
    """

    format: Literal["csv", "parquet", "tfrecord"] = "csv"
    path: str
    split: Split = Split()
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    exclude: tuple[str, ...] = ()


class SchemaSource(Section):
    """The curated schema; without a path the inferred one is used."""

    path: str | None = None
    on_anomaly: Literal["fail", "warn"] = "fail"


class Label(Section):
    """The column to predict.

    `classes` lists the label's values in the order of `probabilities`; by default,
    they are read from the training split.
    """

    name: str
    task: Literal["binary", "multiclass", "regression"]
    classes: tuple[str, ...] | None = None


class Model(Section):
    """The network: normalised numerics and embeddings into dense layers, and a linear part."""

    hidden_units: tuple[PositiveInt, ...] = (64, 32)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    l2: Annotated[float, Field(ge=0)] = 0.0
    wide: bool = True


class EarlyStopping(Section):
    """Stops when the eval loss has not improved for `patience` evaluations; keeps the best."""

    patience: PositiveInt = 5
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class Training(Section):
    """How the network is trained. `steps` is the maximum; early stopping may end it sooner."""

    steps: PositiveInt = 1000
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    eval_every: PositiveInt = 200
    learning_rate: PositiveFloat = 0.001
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    early_stopping: EarlyStopping | None = EarlyStopping()
    class_weights: Literal["none", "balanced"] = "none"


class Threshold(Section):
    """The bounds of a metric that a model must meet to be blessed."""

    min: float | None = None
    max: float | None = None
    not_worse_than_baseline_by: Annotated[float, Field(ge=0)] | None = None

    @pydantic.model_validator(mode="after")
    def _has_a_bound(self) -> Threshold:
        if self.min is None and self.max is None and self.not_worse_than_baseline_by is None:
            raise ValueError("is empty; give min, max or not_worse_than_baseline_by")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max})")
        return self


class Evaluation(Section):
    """The metrics on the test split, and the thresholds that bless a model.

    Each slice is a list of columns; metrics are also computed for each
    combination of their values.
    """

    metrics: tuple[str, ...] = ()
    thresholds: dict[str, Threshold] = {}
    slices: tuple[tuple[str, ...], ...] = ()


class Serving(Section):
    """Where blessed models go, in TensorFlow Serving's layout: `push_dir/<version>/`.

    `model_name` is the name that clients use; by default, the pipeline's name.
    """

    model_name: PipelineName | None = None
    push_dir: str | None = None


class Beam(Section):
    """Beam's runner (`direct`, or any name Beam knows) and its options, passed on unchanged."""

    runner: str = "direct"
    options: tuple[str, ...] = ()


class Modules(Section):
    """Your own functions instead of the library's, by dotted path.

    `create_pipeline(config)` replaces the whole pipeline; each function in
    `extend` is called as `f(pipeline, config)` and returns more components.
    """

    preprocessing_fn: DottedPath = "tfx_pipeline.modeling.preprocessing.preprocessing_fn"
    run_fn: DottedPath = "tfx_pipeline.modeling.trainer.run_fn"
    create_pipeline: DottedPath = "tfx_pipeline.compiler.standard_pipeline.create_pipeline"
    extend: tuple[DottedPath, ...] = ()


class Config(Section):
    """A whole pipeline. Paths are absolute once loaded (see `loader.load_config`)."""

    name: PipelineName
    description: str = ""
    root: str = "build"
    metadata: str = "sqlite"
    data: Data
    schema_source: SchemaSource = Field(SchemaSource(), alias="schema")
    label: Label
    features: dict[str, Feature]
    model: Model = Model()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
    beam: Beam = Beam()
    modules: Modules = Modules()
    airflow: Airflow = Airflow()
    kubeflow: Kubeflow = Kubeflow()
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

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """The columns a model reads, without the label, in the order of the configuration."""
        return tuple(self.features)

    def dump(self) -> dict[str, Any]:
        """The resolved values as plain data, with the keys of the file."""
        return self.model_dump(mode="json", by_alias=True)

    @pydantic.field_validator("metadata")
    @classmethod
    def _metadata_is_known(cls, value: str) -> str:
        if value == "sqlite" or re.fullmatch(r"mysql://[^@/:\s]+@[^@/\s]+/\w+", value):
            return value
        if value.startswith("postgres"):
            raise ValueError("PostgreSQL is not supported: ML Metadata fails there on backslashes")
        if re.match(r"mysql://[^@/]*:[^@/]*@", value):
            raise ValueError(f"contains a password; remove it and set {METADATA_PASSWORD}")
        raise ValueError(
            f"must be 'sqlite' or 'mysql://USER@HOST[:PORT]/DATABASE', found {value!r}"
        )

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
