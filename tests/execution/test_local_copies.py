"""Where TensorFlow cannot read S3: what cannot work on local copies is refused."""

from __future__ import annotations

import pytest

from tfx_pipeline import errors

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def spec():
    """How TFX writes the Trainer's executor."""
    from tfx.proto.orchestration import executable_spec_pb2

    from tfx_pipeline.components.trainer.component import Trainer

    path = Trainer.EXECUTOR_SPEC.class_path
    return executable_spec_pb2.PythonClassExecutableSpec(class_path=path)


def check(spec, root):
    from tfx_pipeline.execution import local_copies

    local_copies.ensure_possible(spec, root)


@pytest.fixture
def without_s3(monkeypatch):
    """As on TFX 1.21."""
    from tfx_pipeline.compat import s3_access

    monkeypatch.setattr(s3_access, "tensorflow_has_s3", lambda: False)


def test_workers_on_other_machines_see_no_copies(spec, without_s3, monkeypatch):
    check(spec, "s3://bucket/root")
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", "a:1")
    check(spec, "/a/shared/volume")
    with pytest.raises(errors.NodeError, match="workers on other machines and artifacts on s3://"):
        check(spec, "s3://bucket/root")


def test_other_nodes_have_no_workers(spec, without_s3, monkeypatch):
    monkeypatch.setenv("TFX_PIPELINE_WORKERS", "a:1")
    spec.class_path = "tfx_pipeline.components.transform.executor.Executor"
    check(spec, "s3://bucket/root")
