from tfx_pipeline.orchestrators.local.dag_scheduler import Schedule

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": []}


def test_only_nodes_without_upstream_are_ready_at_first():
    assert Schedule(DIAMOND).ready() == ["a", "e"]


def test_nodes_become_ready_when_all_upstream_nodes_ended_well():
    schedule = Schedule(DIAMOND)
    run(schedule, "a")
    assert schedule.ready() == ["b", "c", "e"]
    run(schedule, "b")
    assert "d" not in schedule.ready()
    run(schedule, "c")
    assert "d" in schedule.ready()


def test_a_failure_stops_only_what_depends_on_it():
    schedule = Schedule(DIAMOND)
    run(schedule, "a")
    run(schedule, "b", ended_well=False)
    assert schedule.ready() == ["c", "e"]
    run(schedule, "c")
    run(schedule, "e")
    assert schedule.ready() == []
    assert schedule.never_started == ("d",)


def test_a_failure_blocks_nodes_far_behind_it():
    schedule = Schedule({"a": [], "b": ["a"], "c": ["b"]})
    run(schedule, "a", ended_well=False)
    assert schedule.ready() == []
    assert schedule.never_started == ("b", "c")


def test_excluded_nodes_are_not_waited_for():
    schedule = Schedule(DIAMOND, excluded=["a", "b"])
    assert schedule.ready() == ["c", "e"]
    run(schedule, "c")
    assert schedule.ready() == ["d", "e"]


def test_a_started_node_is_not_handed_out_again():
    schedule = Schedule(DIAMOND)
    schedule.start("a")
    assert schedule.ready() == ["e"]
    assert schedule.running == {"a"}


def run(schedule, node, ended_well=True):
    schedule.start(node)
    schedule.finish(node, ended_well)
