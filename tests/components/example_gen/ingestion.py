"""Runs ExampleGen on small files; shared by the tests of its output and its refusals."""

from __future__ import annotations

import json
import os
import pathlib

SPLIT = {"train": 6, "eval": 2, "test": 2}


def ingest(folder, source, **options):
    """Runs the component's own parameters through driver and executor."""
    from tfx.types import standard_artifacts

    from tfx_pipeline.components.example_gen import component as example_gen
    from tfx_pipeline.components.example_gen import driver, executor

    node = example_gen.ExampleGen(input_base=str(source), split=SPLIT, **options)
    properties = {k: v for k, v in node.spec.exec_properties.items() if v is not None}
    properties = driver.Driver(None).resolve_exec_properties(properties, None, None)
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder / "examples")
    os.makedirs(artifact.uri)
    output = executor.Executor().Do({}, {"examples": [artifact]}, properties)
    return artifact, output, properties


def read(artifact):
    """Serialized examples by split, in the files' order."""
    import tensorflow as tf

    result = {}
    for split in SPLIT:
        files = sorted(pathlib.Path(artifact.uri, f"Split-{split}").glob("data_tfrecord-*.gz"))
        dataset = tf.data.TFRecordDataset([str(f) for f in files], compression_type="GZIP")
        result[split] = [record.numpy() for record in dataset]
    return result


def refused(folder, source, **options):
    """The refusal's message and findings."""
    artifact, output, _ = ingest(folder, source, **options)
    assert output is not None, "was not refused"
    assert output.execution_result.code == 103
    assert not list(pathlib.Path(artifact.uri).rglob("*")), "something was left behind"
    body = json.loads(output.execution_result.result_message)
    return body["message"], [(f["subject"], f["rule"], f["found"]) for f in body["findings"]]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def many(header, row, count=60):
    """A table large enough for every split to get rows."""
    return header + "".join(row.format(i=i) for i in range(count))


def schema_file(path, **types):
    features = "".join(f'feature {{ name: "{n}" type: {t} }}\n' for n, t in types.items())
    return str(write(path, features))
