"""Warnings about nothing, from TFX's and Beam's own code."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from tests.compat.recorded_executions import Database, channel
from tfx_pipeline.compat import known_warnings

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def left_out():
    """Leaves the warnings out, until the test ends."""
    loggers = [logging.getLogger(name) for name in ("absl", "apache_beam.io.tfrecordio")]
    before = [[*logger.filters] for logger in loggers]
    yield known_warnings.leave_out
    for logger, filters in zip(loggers, before, strict=True):
        logger.filters[:] = filters


def _resolve(folder):
    from tfx.orchestration.portable.input_resolution import channel_resolver

    database = Database(folder)
    database.execute(database.contexts("taxi", "a-run", "Gen"))
    channel_resolver.resolve_single_channel(database.handle, channel(("pipeline", "taxi")))
    database.handle.__exit__(None, None, None)


def test_a_query_without_conditions(left_out, caplog, tmp_path):
    text = "ArtifactQuery.property_predicate is not supported."
    _resolve(tmp_path)
    assert text in caplog.messages, "TFX no longer writes this warning"
    caplog.clear()
    left_out()
    _resolve(tmp_path)
    logging.getLogger("absl").warning("another warning")
    assert caplog.messages == ["another warning"]


def test_end_of_life_of_python_and_advice_on_grpc():
    code = """
import sys, warnings
from tfx_pipeline import tfx
warnings.warn("You are using a non-supported Python version (3.10.13).", FutureWarning)
warnings.warn("grpcio < 1.83.0 does not support Post-Quantum Cryptography (PQC).", FutureWarning)
warnings.warn("another one", FutureWarning)
tfx.components.Trainer, tfx.extensions
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = [line for line in done.stderr.splitlines() if "FutureWarning" in line]
    assert ["another one" in line for line in found] == [True]


def test_a_checksum_without_snappy(left_out, caplog, monkeypatch):
    from apache_beam.io import tfrecordio

    monkeypatch.setitem(sys.modules, "snappy", None)
    tfrecordio._default_crc32c_fn.fn = None
    tfrecordio._default_crc32c_fn(b"x")
    if not caplog.text:
        pytest.skip("this Beam uses google-crc32c")
    assert "python-snappy" in caplog.text
    caplog.clear()
    left_out()
    tfrecordio._default_crc32c_fn.fn = None
    tfrecordio._default_crc32c_fn(b"x")
    assert caplog.text == ""
