"""One process gets the elements in their order; several workers share them."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tensorflow


def stages(arguments, count=3):
    """The names of the transforms that create the elements."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from tfx_pipeline.components.common.reshuffled_create import ReshuffledCreate

    pipeline = beam.Pipeline(options=PipelineOptions(arguments))
    _ = pipeline | ReshuffledCreate(range(count))
    return {t.unique_name for t in pipeline.to_runner_api().components.transforms.values()}


SEVERAL = [
    ["--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    ["--runner=PortableRunner", "--job_endpoint=localhost:1"],
]


@pytest.mark.parametrize("arguments", [[], ["--runner=direct"]])
def test_one_process_keeps_the_order(arguments):
    assert not any("ReshufflePerKey" in name for name in stages(arguments))


@pytest.mark.parametrize("arguments", SEVERAL)
def test_several_workers_share(arguments):
    assert any("ReshufflePerKey" in name for name in stages(arguments))


@pytest.mark.parametrize("arguments", SEVERAL)
def test_one_element_cannot_be_shared(arguments):
    assert not any("ReshufflePerKey" in name for name in stages(arguments, count=1))


def test_elements_come_in_their_order():
    import apache_beam as beam
    from apache_beam.testing import util

    from tfx_pipeline.components.common.reshuffled_create import ReshuffledCreate

    with beam.Pipeline() as pipeline:
        elements = pipeline | ReshuffledCreate(range(100)) | beam.combiners.ToList()
        util.assert_that(elements, util.equal_to([list(range(100))]))
