"""Runs in the environment that has kfp: takes a pipeline apart as strictly as its protos.

Prints one JSON document: what kfp sees. Any unknown field is an error.
"""

import json
import pathlib
import sys

import kfp
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2


def main(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    spec, platform = [*yaml.safe_load_all(text), {}][:2]
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    deployment = json_format.MessageToDict(parsed.deployment_spec)
    json_format.ParseDict(deployment, pipeline_spec_pb2.PipelineDeploymentConfig())
    executors = strict_platform(platform)
    loaded = components.load_component_from_text(text)
    print(
        json.dumps(
            {
                "kfp": kfp.__version__,
                "name": loaded.name,
                "inputs": {n: i.type for n, i in (loaded.component_spec.inputs or {}).items()},
                "platform": executors,
            }
        )
    )


def strict_platform(platform):
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    kubernetes = platform.get("platforms", {}).get("kubernetes", {})
    executors = kubernetes.get("deploymentSpec", {}).get("executors", {})
    for config in executors.values():
        message = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
        json_format.ParseDict(config, message)
    return sorted(executors)


if __name__ == "__main__":
    main(sys.argv[1])
