"""How an executor reports a refusal."""

from __future__ import annotations

import json

import pytest

from tfx_pipeline.errors import ConfigError, DataRefused, Finding, PipelineError, Problem, Refused

pytestmark = pytest.mark.tensorflow

REFUSAL = DataRefused("no", [Finding("fare", "wrong type", "abc")])


def run(error):
    from tfx_pipeline.components.common.executor_outcome import reports_refusals

    @reports_refusals
    def do():
        raise error

    return do()


def as_cause():
    try:
        raise RuntimeError("in a stage") from REFUSAL
    except RuntimeError as error:
        return error


def as_beam_does():
    """Beam raises a copy of the same type, with a longer message and no findings."""
    try:
        raise Refused("no [while running 'Write']") from REFUSAL
    except Refused as error:
        return error


def as_argument():
    return RuntimeError("wrapped", REFUSAL)


@pytest.mark.parametrize("make", [lambda: REFUSAL, as_cause, as_beam_does, as_argument])
def test_a_refusal_becomes_a_result(make):
    result = run(make()).execution_result
    assert result.code == 103
    assert json.loads(result.result_message) == {
        "message": "no",
        "findings": [{"subject": "fare", "rule": "wrong type", "found": "abc"}],
    }


def test_other_errors_pass():
    with pytest.raises(PipelineError, match="disk"):
        run(PipelineError("disk"))


def test_what_do_returns_is_returned():
    from tfx_pipeline.components.common.executor_outcome import reports_refusals

    assert reports_refusals(lambda: 5)() == 5


def test_all_problems_of_a_configuration_are_in_the_result():
    from tfx_pipeline.metadata.node_record import CONFIG_CODE

    problems = [
        Problem("features.zip", "its range is not known", "Give min and max"),
        Problem("features.fare", "is not a column of the schema"),
    ]
    result = run(ConfigError(problems)).execution_result
    assert result.code == CONFIG_CODE
    told = json.loads(result.result_message)
    assert told["message"] == "the configuration has 2 problems"
    assert [(row["subject"], row["found"]) for row in told["findings"]] == [
        ("features.zip", "its range is not known. Give min and max"),
        ("features.fare", "is not a column of the schema"),
    ]


def test_one_problem_of_a_configuration_passes():
    with pytest.raises(ConfigError, match="not known"):
        run(ConfigError(Problem("features.zip", "its range is not known")))
