"""What is left out while Beam's only worker is this process changes no result."""

from __future__ import annotations

import base64
import bz2
import threading
import xml.dom

import pytest

pytestmark = pytest.mark.tensorflow

_rows: list = []
_node_type = lambda: xml.dom.Node.ELEMENT_NODE  # noqa: E731 (pickled by value)


def _join(pair, side, table, total):
    key, values = pair
    yield key, sorted(values), sorted([*side, *side]), table[key], total


def _keep(row):
    _rows.append(row)


def results(pipeline):
    """What a pipeline with groups, combiners and side inputs of all kinds gives."""
    import apache_beam as beam
    from apache_beam import pvalue

    _rows.clear()
    with pipeline:
        pairs = pipeline | beam.Create([("a", 1), ("b", 2), ("a", 3)])
        side = pvalue.AsIter(pipeline | "Side" >> beam.Create([10, 20]))
        table = pvalue.AsDict(pairs | beam.CombinePerKey(sum))
        total = pvalue.AsSingleton(pairs | beam.Values() | beam.CombineGlobally(sum))
        joined = pairs | beam.GroupByKey() | beam.FlatMap(_join, side, table, total)
        _ = joined | beam.Map(_keep)
    return sorted(_rows)


@pytest.fixture
def sampling(monkeypatch):
    """The threads that time a stage, as they are started."""
    threads, start = [], threading.Thread.start

    def start_noted(thread):
        if "StateSampler" in repr(getattr(thread, "_target", None)):
            threads.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_noted)
    return threads


def test_results_are_the_same_and_no_thread_times_the_stages(sampling):
    import apache_beam as beam

    from tfx_pipeline.compat import in_process_beam

    stock = results(beam.Pipeline())
    assert stock == [
        ("a", [1, 3], [10, 10, 20, 20], 4, 6),
        ("b", [2], [10, 10, 20, 20], 2, 6),
    ]
    assert sampling, "Beam no longer starts a thread for each bundle"
    sampling.clear()
    with in_process_beam.patched():
        assert results(in_process_beam.make_pipeline()) == stock
    assert not sampling


def test_pickles_are_compressed_elsewhere_only():
    from apache_beam.internal import cloudpickle_pickler

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import IN_PROCESS

    stock = base64.b64decode(cloudpickle_pickler.dumps(lambda: 3))
    assert stock.startswith(b"BZh"), "Beam no longer compresses"
    with applied(IN_PROCESS):
        pickled = cloudpickle_pickler.dumps(lambda: 3)
        assert base64.b64decode(pickled).startswith(b"\x80")
        assert cloudpickle_pickler.loads(pickled)() == 3


def test_submodules_are_noted_elsewhere_only():
    """Those that a pickled function reads through its package."""
    from apache_beam.internal import cloudpickle_pickler

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import IN_PROCESS

    stock = bz2.decompress(base64.b64decode(cloudpickle_pickler.dumps(_node_type)))
    assert b"xml.dom" in stock
    with applied(IN_PROCESS):
        pickled = cloudpickle_pickler.dumps(_node_type)
        assert b"xml.dom" not in base64.b64decode(pickled)
        assert cloudpickle_pickler.loads(pickled)() == 1


def test_the_processs_pickler_is_put_back():
    from apache_beam.internal import cloudpickle_pickler, pickler

    from tfx_pipeline.compat import in_process_beam

    pickler.set_library()
    before = pickler.desired_pickle_lib
    with in_process_beam.patched():
        in_process_beam.make_pipeline()
        assert pickler.desired_pickle_lib is cloudpickle_pickler
    assert pickler.desired_pickle_lib is before


def test_namespaces_of_modules_are_listed_once(monkeypatch):
    """And again when a module has been imported."""
    import sys
    import types

    from apache_beam.runners.worker.statecache import objsize

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import IN_PROCESS

    listings = []
    listed = objsize.traverse._iter_modules_globals
    monkeypatch.setattr(
        objsize.traverse, "_iter_modules_globals", lambda: listings.append(1) or listed()
    )

    def missing():
        """Modules that are not excluded; special ones make another namespace each time."""
        excluded = objsize.traverse.ObjSizeSettings().new_context().exclude_set
        modules = [m for m in sys.modules.values() if type(m) is types.ModuleType]
        return [module for module in modules if id(vars(module)) not in excluded]

    assert not missing()
    with applied(IN_PROCESS):
        listings.clear()
        assert not missing()
        assert not missing()
        assert len(listings) == 1
        added = types.ModuleType("added_for_a_test")
        monkeypatch.setitem(sys.modules, added.__name__, added)
        assert not missing()
        assert len(listings) == 2
        whole, part = [[1.5], "text"], [1.5]
        size = objsize.get_deep_size(whole)
        assert size > objsize.get_deep_size(whole, exclude=[part, whole[0]])
        assert objsize.get_deep_size(vars(added)) == 0
    assert objsize.get_deep_size(whole) == size
