"""The examples of docs/serving.md, run against a server."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from tests.projects import REPOSITORY, environment
from tests.serving.harness import MODEL_PATH, RawClient, wait_until
from tfx_pipeline.serving import LocalServer

pytestmark = [pytest.mark.e2e, pytest.mark.tensorflow]

PAGE = (REPOSITORY / "docs" / "serving.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    line.removeprefix("$ tfx-pipeline ")
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def project(trained, tmp_path_factory):
    """The trained example, with a second version, as the page assumes."""
    folder = tmp_path_factory.mktemp("docs") / "taxi"
    shutil.copytree(trained.folder, folder)
    pushed = folder / "build" / "serving" / "chicago-taxi"
    (version,) = trained.versions
    shutil.copytree(pushed / version, pushed / str(int(version) + 1))
    text = (folder / "pipeline.yaml").read_text()
    (folder / "pipeline.yaml").write_text(text.replace("root: build", f"root: {folder}/build"))
    return folder


@pytest.fixture(scope="module")
def running(project):
    """`tfx-pipeline serve`, on other ports than the page's."""
    with LocalServer(folder=project) as server:
        yield server


def adapted(text, server):
    """Returns the text with the ports of the running server."""
    ports = {"8500": server.grpc, "8501": server.rest.removeprefix("http://")}
    for port, address in ports.items():
        text = text.replace(f"localhost:{port}", address)
    return text


@pytest.fixture
def run(project, monkeypatch):
    """Runs a program of the page in the project's folder; returns the lines it prints."""
    monkeypatch.chdir(project)

    def run_program(program):
        # In this process: most programs import TensorFlow, which takes seconds.
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(program, "docs/serving.md", "exec"), {"__name__": "__main__"})
        return output.getvalue().splitlines()

    return run_program


def test_curl_and_the_client_give_the_same(running, run):
    command = next(text for text in SHELL if text.startswith("curl"))
    done = subprocess.run(["sh", "-c", adapted(command, running)], capture_output=True, check=True)
    (row,) = json.loads(done.stdout)["predictions"]
    program = next(text for text in PROGRAMS if "Client(" in text and "rows" in text)
    first, second = run(adapted(program, running))
    assert json.loads(first) == pytest.approx(row["probabilities"], abs=1e-6)
    assert "'classes': ['0', '1']" in second


def test_grpcurl_and_tensorflow_serving_apis_give_the_same(running, run):
    command = next(text for text in SHELL if text.startswith("grpcurl"))
    scores = run_grpcurl(shlex.split(adapted(command, running)))
    program = next(text for text in PROGRAMS if "predict_pb2" in text)
    (line,) = run(adapted(program, running))
    assert json.loads(line) == pytest.approx(scores, abs=1e-6)


def run_grpcurl(words):
    """Runs the command; if grpcurl is not installed, does the same: reads the
    descriptors from the protoset and the request from JSON, by protobuf's own rules."""
    if shutil.which("grpcurl"):
        done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, check=True)
        reply = json.loads(done.stdout)
    else:
        assert words[:3] == ["grpcurl", "-plaintext", "-protoset"]
        protoset, flag, body, address, method = words[3:]
        assert flag == "-d"
        reply = call_by_protoset(REPOSITORY / protoset, body, address, method)
    (row,) = reply["result"]["classifications"]
    return [item["score"] for item in row["classes"]]


def call_by_protoset(protoset, body, address, method):
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(protoset.read_bytes()).file:
        pool.Add(file)
    service, name = method.split("/")
    descriptor = pool.FindServiceByName(service).FindMethodByName(name)
    # protobuf 4 before 4.22 has the second one only, protobuf 6 the first.
    message_class = getattr(message_factory, "GetMessageClass", None)
    message_class = message_class or message_factory.MessageFactory(pool).GetPrototype
    request = json_format.Parse(body, message_class(descriptor.input_type)())
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(f"/{method}")
        reply = message_class(descriptor.output_type).FromString(call(request.SerializeToString()))
    return json_format.MessageToDict(reply, preserving_proto_field_name=True)


def test_a_server_in_tests(run):
    program = next(text for text in PROGRAMS if "LocalServer(" in text)
    (line,) = run(program)
    assert "AVAILABLE" in line


def test_the_commands(running, project):
    """In the order of the page; `serve` itself runs already."""
    versions = sorted(path.name for path in (project / "build/serving/chicago-taxi").glob("*"))
    names = {"VERSION": versions[0], "OTHER": versions[1]}
    for command in COMMANDS:
        words = shlex.split(command)
        if words[0] == "serve":
            continue
        words = [names.get(word, adapted(word, running)) for word in words]
        if words[0] == "predict" and "--target" not in words:
            words += ["--target", running.grpc]
        if "--split" in words:
            wait_for_labels(running, versions)
        done = subprocess.run(
            [sys.executable, "-m", "tfx_pipeline", *words],
            cwd=project, env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"
    lines = (project / "predictions.csv").read_text().splitlines()
    assert lines[0] == "probability_0,probability_1"
    assert len(lines) == 15003
    targets = {"compose", "kubernetes", "kserve", "seldon"}
    assert {path.name for path in (project / "deploy").iterdir()} == targets


def wait_for_labels(server, versions):
    def is_there():
        status, reply = RawClient(server).get(f"{MODEL_PATH}/labels/canary")
        found = reply.get("model_version_status", [{}])[0]
        return status == 200 and found["version"] == versions[1]

    wait_until(is_there)


def test_nothing_on_the_page_is_left_out():
    assert len(SHELL) == 2
    assert len(PROGRAMS) == 3
    assert len(COMMANDS) == 12
    assert os.path.exists(REPOSITORY / "tfx_pipeline" / "serving" / "protocol" / "protos.binpb")
