"""Without any patch of another library the example works, and gives the same numbers."""

from __future__ import annotations

import pytest

from tfx_pipeline.config import environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_run_without_patches_has_the_same_metrics(trained, fresh_project):
    plain = fresh_project.run(**{environment.PLAIN: "1"})
    assert plain.exit_code == 0, plain.log
    usual = trained.result("first")
    assert plain.run["metrics"] == pytest.approx(usual["metrics"], abs=1e-4)
    assert plain.run["blessed"] is True
    assert plain.run["pushed_model"]
