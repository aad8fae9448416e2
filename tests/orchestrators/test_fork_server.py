import pytest

from tfx_pipeline import errors
from tfx_pipeline.orchestrators.fork_client import Worker

pytestmark = pytest.mark.tensorflow


def test_a_long_message_may_be_cut_within_a_character(tmp_path):
    log = tmp_path / "logs" / "upload.log"
    with Worker(tmp_path, tmp_path / "worker.log") as worker:
        for prefix in ("", "x"):  # one of them has a character of two bytes at the limit
            name = prefix + "ä" * 20_000
            with pytest.raises(errors.PipelineError, match="ä"):
                worker.run("upload", log, file=name, uri="s3://bucket/key")
        with pytest.raises(errors.PipelineError, match="No such file"):
            worker.run("upload", log, file="missing", uri="s3://bucket/key")
