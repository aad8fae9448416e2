"""What a DAG of pods makes without a cluster: `python try_pod.py DAG_FILE`, prints JSON.

The pod of Trainer as it would be sent to Kubernetes, and how the task ends when the
container ends with a code and a result. Only the calls that need a cluster are cut out.
"""

import importlib.util
import json
import pathlib
import sys
import types

from kubernetes.client import ApiClient
from kubernetes.client import models as k8s


def load(path: pathlib.Path):
    spec = importlib.util.spec_from_file_location("pods_dag", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pod_of(module, name: str) -> dict:
    task = module.dag.get_task(name)
    conf = {"steps": 5, "mode": "{{ x }}"}
    run = types.SimpleNamespace(dag_id="pods", run_id="manual__1", conf=conf)
    context, file = {"dag_run": run}, "/airflow/xcom/return.json"
    task.arguments = module.arguments(name, context, file, task.command)
    task.name = task._set_name(task.name)
    return ApiClient().sanitize_for_serialization(task.build_pod_request_obj(dry_run=True))


def ending(module, code: int, result: dict | None) -> str:
    """The exception that ends the task when its container ended with `code`."""
    task = module.dag.get_task("Trainer")
    task.patch_already_checked = task.process_pod_deletion = lambda *_, **__: None
    task.is_istio_enabled = lambda *_: False
    task.log_pod_spec_on_failure = False
    terminated = k8s.V1ContainerStateTerminated(exit_code=code)
    status = k8s.V1ContainerStatus(
        name="base", image="", image_id="", ready=False, restart_count=0,
        state=k8s.V1ContainerState(terminated=terminated),
    )  # fmt: skip
    phase = "Succeeded" if code == 0 else "Failed"
    pod = k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="pod"),
        spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base")]),
        status=k8s.V1PodStatus(phase=phase, container_statuses=[status]),
    )
    try:
        task.cleanup(pod, pod, result)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "well"


module = load(pathlib.Path(sys.argv[1]))
document = {
    "pod": pod_of(module, "Trainer"),
    "other": pod_of(module, "Transform"),
    "report": pod_of(module, "run_report"),
    "well": ending(module, 0, {"exit_code": 0}),
    "refused": ending(module, 3, {"exit_code": 3, "error": "2 anomalies"}),
    "failed": ending(module, 1, {"exit_code": 1, "error": "ValueError: x"}),
    "killed": ending(module, 137, None),
}
print("\n" + json.dumps(document))
