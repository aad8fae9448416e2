"""Who may import whom (the contracts are in pyproject.toml), and what an import may load."""

import json
import pathlib
import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "tfx", "apache_beam", "ml_metadata")
LIGHT = (
    "tfx_pipeline/__init__.py",
    "tfx_pipeline/cli",
    "tfx_pipeline/components/worker_host.py",
    "tfx_pipeline/config",
    "tfx_pipeline/errors.py",
    "tfx_pipeline/ir/data_uri.py",
    "tfx_pipeline/ir/manifest.py",
    "tfx_pipeline/modeling/tf_config.py",
    "tfx_pipeline/node.py",
    "tfx_pipeline/orchestrators",
    "tfx_pipeline/profiling",
    "tfx_pipeline/report",
    "tfx_pipeline/serving/client",
    "tfx_pipeline/serving/deploy",
    "tfx_pipeline/serving/protocol",
    "tfx_pipeline/serving/rollout",
    "tfx_pipeline/storage",
    "tfx_pipeline/terminal.py",
    "tfx_pipeline/user_code",
)
"""What is imported before a command knows that it needs TensorFlow, or never needs it."""
EXCEPTIONS = {
    "tfx_pipeline/orchestrators/kubeflow/kfp_client.py",  # run by the Python that has kfp
    "tfx_pipeline/orchestrators/kubeflow/kfp_compiler.py",  # the same
}
IMPORT_ALL = """
import importlib, json, os, sys
heavy, *names = sys.argv[1:]
before, found = dict(os.environ), {}
for name in names:
    importlib.import_module(name)
    for library in heavy.split(","):
        if library in sys.modules:
            found.setdefault(library, name)
changed = sorted(k for k, v in {**before, **os.environ}.items() if before.get(k) != v)
print(json.dumps({"loaded": found, "changed": changed, "imported": len(names)}))
"""


def test_import_contracts(project):
    code = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def light_modules(project: pathlib.Path) -> list[str]:
    """The dotted names of all modules in the files and folders of LIGHT."""
    paths = [project / name for name in LIGHT]
    files = [f for path in paths for f in ([path] if path.is_file() else path.rglob("*.py"))]
    relative = [file.relative_to(project) for file in files]
    kept = [path for path in relative if path.as_posix() not in EXCEPTIONS]
    return sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in kept)


@pytest.fixture(scope="module")
def imported(project) -> dict:
    """What importing all of them in a fresh process loads and changes."""
    names = light_modules(project)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, ",".join(HEAVY), *names],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_comes_before_tensorflow_imports_nothing_heavy(imported):
    assert imported["imported"] > 50
    assert imported["loaded"] == {}, "by library: the first module that loads it"


def test_an_import_changes_no_environment_variable(imported):
    assert imported["changed"] == []


def test_every_named_file_is_there(project):
    assert [name for name in {*LIGHT, *EXCEPTIONS} if not (project / name).exists()] == []
