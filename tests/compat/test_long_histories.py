"""TFX's queries of a real database of several pipelines and runs, with and without the patches."""

from __future__ import annotations

import itertools

import pytest

from tests.compat.recorded_executions import Database, channel
from tfx_pipeline.compat.patch import applied
from tfx_pipeline.compat.table import LONG_HISTORIES

pytestmark = pytest.mark.tensorflow

PIPELINES, RUNS, NODES = ("taxi", "shop"), ("a", "b", "c"), ("Gen", "Trainer")


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path)
    yield made
    made.handle.__exit__(None, None, None)


@pytest.fixture
def filled(database):
    for pipeline, run, node in itertools.product(PIPELINES, RUNS, NODES):
        contexts = database.contexts(pipeline, f"{pipeline}-{run}", node)
        database.execute(contexts)
        if (run, node) == ("b", "Trainer"):
            database.execute(contexts, "FAILED")
    return database


def both(call):
    """What a call gives with TFX's own queries, and with the patched ones."""
    stock = call()
    with applied(LONG_HISTORIES):
        return stock, call()


def read_contexts(monkeypatch, database) -> list[int]:
    """The contexts all of whose executions are read from now on."""
    read: list[int] = []
    store = type(database.handle.store)
    present = store.get_executions_by_context

    def noting(self, context_id, *arguments, **options):
        if "list_options" not in options:
            read.append(context_id)
        return present(self, context_id, *arguments, **options)

    monkeypatch.setattr(store, "get_executions_by_context", noting)
    return read


@pytest.mark.parametrize(
    "contexts",
    [
        [("pipeline", "taxi"), ("pipeline_run", "taxi-a"), ("node", "taxi.Gen")],
        [("node", "shop.Trainer"), ("pipeline_run", "shop-b"), ("pipeline", "shop")],
        [("pipeline_run", "taxi-c")],
        [("pipeline_run", "taxi-c"), ("pipeline", "taxi")],
        [("pipeline_run", "taxi-c"), ("pipeline", "shop")],
        [("pipeline_run", "taxi-c"), ("pipeline_run", "taxi-a")],
        [("pipeline", "taxi"), ("node", "taxi.Trainer")],
        [("pipeline_run", "no-such-run"), ("pipeline", "taxi")],
        [],
    ],
    ids=str,
)
def test_inputs(filled, contexts):
    from tfx.orchestration.portable.input_resolution import channel_resolver

    def resolved():
        found = channel_resolver.resolve_single_channel(filled.handle, channel(*contexts))
        return [artifact.id for artifact in found]

    stock, patched = both(resolved)
    assert patched == stock


def test_inputs_read_all_executions_of_one_run_only(filled, monkeypatch):
    from tfx.orchestration.portable.input_resolution import channel_resolver

    names = ("pipeline", "taxi"), ("pipeline_run", "taxi-b"), ("node", "taxi.Trainer")
    ids = [filled.handle.store.get_context_by_type_and_name(*name).id for name in names]
    read = read_contexts(monkeypatch, filled)
    stock, patched = both(
        lambda: (
            channel_resolver.resolve_single_channel(filled.handle, channel(*names)),
            list(read),
            read.clear(),
        )
    )
    assert len(patched[0]) == len(stock[0]) == 2
    assert stock[1] == ids, "TFX no longer reads the executions of all contexts"
    assert patched[1] == ids[1:2]


@pytest.mark.parametrize(
    ("pipeline", "run", "node", "count"),
    [
        ("taxi", "taxi-a", "Gen", 1),
        ("shop", "shop-b", "Trainer", 2),
        ("shop", "taxi-a", "Gen", 0),
        ("taxi", "taxi-a", "Pusher", 0),
        ("taxi", "a-new-run", "Gen", 0),
        ("new", "new-a", "Gen", 0),
    ],
)
def test_executions_of_a_node(filled, pipeline, run, node, count):
    from tfx.orchestration.portable.mlmd import execution_lib

    contexts = filled.contexts(pipeline, run, node)
    stock, patched = both(
        lambda: {
            execution.id: execution
            for execution in execution_lib.get_executions_associated_with_all_contexts(
                filled.handle, contexts
            )
        }
    )
    assert patched == stock
    assert len(patched) == count


def test_a_run_that_is_new_is_not_searched_for_in_all_runs(filled, monkeypatch):
    from tfx.orchestration.portable.mlmd import execution_lib

    contexts = filled.contexts("taxi", "a-new-run", "Gen")
    assert contexts[1].type == "", "TFX now names the type of a context that it has written"
    run = filled.handle.store.get_context_by_type_and_name("pipeline_run", "a-new-run").id
    read = read_contexts(monkeypatch, filled)
    stock, patched = both(
        lambda: (
            execution_lib.get_executions_associated_with_all_contexts(filled.handle, contexts),
            list(read),
            read.clear(),
        )
    )
    assert patched[1] == [run]
    assert stock[0] == patched[0] == []


@pytest.mark.parametrize(
    ("before", "newer", "found"),
    [
        ([], [], None),
        ([], ["COMPLETE"], 0),
        ([], ["COMPLETE", "CACHED"], 1),
        ([], ["COMPLETE", "FAILED", "RUNNING", "CANCELED"], 0),
        ([], ["FAILED"], None),
        ([], ["COMPLETE", "gone"], 0),
        ([], ["gone"], None),
        (["COMPLETE"] * 20, ["FAILED"] * 100, 19),
    ],
    ids=str,
)
def test_cached_outputs(database, before, newer, found):
    from tfx.orchestration.portable import cache_utils

    contexts = [*database.contexts("taxi", "taxi-a", "Gen"), database.cache("key")]
    database.execute([*contexts[:-1], database.cache("another key")])
    ids = [
        database.execute(contexts, "COMPLETE", files=False)
        if state == "gone"
        else database.execute(contexts, state)
        for state in [*before, *newer]
    ]

    def outputs():
        result = cache_utils.get_cached_outputs(database.handle, contexts[-1])
        return result and [artifact.id for artifact in result["model"]]

    stock, patched = both(outputs)
    assert patched == stock
    events = database.handle.store.get_events_by_execution_ids(ids)
    made_by = {event.artifact_id: event.execution_id for event in events}
    assert (found is None) == (stock is None)
    assert found is None or [made_by[artifact] for artifact in stock] == [ids[found]]


def test_outputs_that_are_marked_as_deleted_are_no_result(database):
    from ml_metadata.proto import metadata_store_pb2 as pb
    from tfx.orchestration.portable import cache_utils

    contexts = [*database.contexts("taxi", "taxi-a", "Gen"), database.cache("key")]
    database.execute(contexts)
    newest = database.execute(contexts)
    store = database.handle.store
    (event,) = store.get_events_by_execution_ids([newest])
    (artifact,) = store.get_artifacts_by_id([event.artifact_id])
    artifact.state = pb.Artifact.DELETED
    store.put_artifacts([artifact])
    stock, patched = both(lambda: cache_utils.get_cached_outputs(database.handle, contexts[-1]))
    assert [a.id for a in patched["model"]] == [a.id for a in stock["model"]] != [artifact.id]


def test_only_the_newest_executions_are_read(database, monkeypatch):
    from tfx.orchestration.portable import cache_utils

    contexts = [*database.contexts("taxi", "taxi-a", "Gen"), database.cache("key")]
    for _ in range(20):
        database.execute(contexts)
    store = type(database.handle.store)
    present, counts = store.get_executions_by_context, []

    def noting(*arguments, **options):
        found = present(*arguments, **options)
        counts.append(len(found))
        return found

    monkeypatch.setattr(store, "get_executions_by_context", noting)
    both(lambda: cache_utils.get_cached_outputs(database.handle, contexts[-1]))
    assert counts[0] == 20, "TFX no longer loads all executions"
    assert counts[1:] == [8]
