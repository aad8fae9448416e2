"""TF_CONFIG, as the node Trainer and Kubeflow write it."""

from __future__ import annotations

import json

import pytest

from tfx_pipeline.errors import ConfigError
from tfx_pipeline.modeling import tf_config


def cluster_of(**lists):
    return {"cluster": lists, "task": {"type": "worker", "index": 0}}


def test_places_in_a_cluster():
    one = cluster_of(worker=["a:1", "b:2"])
    assert tf_config.place_in_cluster(json.dumps(one)) == (2, 0)
    # As Kubeflow's TFJob writes it.
    job = {
        "cluster": {"chief": ["job-chief-0.team.svc:2222"], "worker": ["job-worker-0:2222"]},
        "task": {"type": "worker", "index": 0},
        "environment": "cloud",
    }
    assert tf_config.place_in_cluster(json.dumps(job)) == (2, 1)
    each = [json.loads(text) for text in tf_config.of_each_worker(json.dumps(job))]
    assert [c["task"]["type"] for c in each] == ["chief", "worker"]
    assert all({**c, "task": job["task"]} == job for c in each)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (None, "is absent. The node Trainer sets it"),
        ("{'a'", "is no JSON"),
        ([1], "must be a JSON object"),
        ({"cluster": {"worker": ["a:1"]}}, "must have the objects 'cluster' and 'task'"),
        (cluster_of(ps=["a:1"], worker=["b:1"]), "has tasks of the type 'ps'"),
        (cluster_of(worker="a:1"), "must list cluster.worker as HOST:PORT, found 'a:1'"),
        (cluster_of(worker=["a"]), "must list cluster.worker as HOST:PORT, found ['a']"),
        (cluster_of(chief=["a:1"]), "names the task 'worker' 0, which its cluster lacks"),
        (
            {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "0"}},
            "names the task 'worker' '0', which its cluster lacks",
        ),
    ],
)
def test_a_broken_tf_config_is_one_sentence(config, problem):
    text = config if config is None or isinstance(config, str) else json.dumps(config)
    with pytest.raises(ConfigError) as caught:
        tf_config.place_in_cluster(text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
