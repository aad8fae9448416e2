"""Transform with TFX's arguments alone: TFX's code, over patched Beam pipelines."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests import approximately
from tests.components.transform.test_transform import FUNCTION, SCHEMA, rows_of

pytestmark = pytest.mark.tensorflow

TEXTS = ("pre_transform_schema", "post_transform_schema")


def outputs_of(executor, folder, examples, schema):
    """All outputs that TFX's Transform has by default."""
    from tfx.types import standard_artifacts as artifacts

    classes = {
        "transform_graph": artifacts.TransformGraph,
        "transformed_examples": artifacts.Examples,
        "updated_analyzer_cache": artifacts.TransformCache,
        "pre_transform_schema": artifacts.Schema,
        "pre_transform_stats": artifacts.ExampleStatistics,
        "post_transform_schema": artifacts.Schema,
        "post_transform_stats": artifacts.ExampleStatistics,
        "post_transform_anomalies": artifacts.ExampleAnomalies,
    }
    outputs = {}
    for key, cls in classes.items():
        artifact = cls()
        artifact.uri = str(folder / key)
        pathlib.Path(artifact.uri).mkdir(parents=True)
        outputs[key] = [artifact]
    properties = {"preprocessing_fn": FUNCTION, "force_tf_compat_v1": 0, "disable_statistics": 0}
    properties["custom_config"] = json.dumps({"factor": 10.0, "schema": SCHEMA})
    context = executor.Context(beam_pipeline_args=[], tmp_dir=str(folder), unique_id="1")
    executor(context).Do({"examples": [examples], "schema": [schema]}, outputs, properties)
    return {key: pathlib.Path(artifact.uri) for key, (artifact,) in outputs.items()}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The outputs of our executor and of TFX's, on the same table."""
    from tfx.components.transform import executor as tfx_executor
    from tfx.types import standard_artifacts

    from tests.components.example_gen import ingestion
    from tfx_pipeline.components.transform import executor

    folder = tmp_path_factory.mktemp("tfx")
    rows = "".join(f"{i}.5,kind{i % 3},{i % 2}\n" for i in range(200))
    ingestion.write(folder / "data" / "a.csv", "fare,kind,label\n" + rows)
    path = ingestion.write(folder / "schema" / "schema.pbtxt", SCHEMA)
    examples, _, _ = ingestion.ingest(folder, folder / "data", schema_path=str(path))
    schema = standard_artifacts.Schema()
    schema.uri = str(folder / "schema")
    return tuple(
        outputs_of(module.Executor, folder / name, examples, schema)
        for name, module in {"ours": executor, "stock": tfx_executor}.items()
    )


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_rows(both, split):
    ours, stock = (
        rows_of(str(made["transform_graph"]), str(made["transformed_examples"]), split)
        for made in both
    )
    assert len(ours) > 20
    assert approximately.equal(ours, stock)


@pytest.mark.parametrize("key", TEXTS)
def test_schemas(both, key):
    ours, stock = ((made[key] / "schema.pbtxt").read_text() for made in both)
    assert "feature" in ours
    assert ours == stock


@pytest.mark.parametrize("key", ["pre_transform_stats", "post_transform_stats"])
def test_statistics(both, key):
    import tensorflow_data_validation as tfdv
    from google.protobuf.json_format import MessageToDict

    ours, stock = (
        tfdv.load_stats_binary(str(next(made[key].rglob("FeatureStats.pb")))) for made in both
    )
    assert ours.datasets[0].num_examples > 100
    assert approximately.equal(MessageToDict(ours), MessageToDict(stock))


def test_the_other_files(both):
    """Of the same kinds: names of temporary files differ."""
    keys = ("transform_graph", "updated_analyzer_cache", "post_transform_anomalies")
    ours, stock = (
        {
            key: sorted({path.relative_to(made[key]).parts[0] for path in made[key].rglob("*")})
            for key in keys
        }
        for made in both
    )
    assert all(ours.values())
    assert ours == stock
