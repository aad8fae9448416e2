"""Describes the package; the lock files in requirements/ serve as constraints."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent


def requirements(name: str) -> list[str]:
    """The requirements in a file of requirements/, without comments and options."""
    lines = (HERE / "requirements" / name).read_text().splitlines()
    wanted = (line.partition("#")[0].strip() for line in lines)
    return [line for line in wanted if line and not line.startswith("-")]


def version() -> str:
    """The version, read from the package's source without importing the package."""
    source = (HERE / "tfx_pipeline" / "__init__.py").read_text()
    return re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)[0]


def readme() -> str:
    """The README; empty where there is none."""
    file = HERE / "README.md"
    return file.read_text() if file.exists() else ""


setup(
    name="tfx-pipeline",
    version=version(),
    description="TFX pipelines from one configuration, for any orchestrator",
    long_description=readme(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["tfx_pipeline", "tfx_pipeline.*"]),
    package_data={
        "tfx_pipeline": [
            "py.typed",
            "orchestrators/airflow/dag.py.jinja",
            "report/templates/*",
            "report/ui/templates/*",
            "serving/protocol/protos.binpb",
        ],
    },
    install_requires=requirements("tfx.in"),
    extras_require={
        "dev": requirements("dev.in"),
        "excel": requirements("excel.in"),
        "gpu": requirements("gpu.in"),
        "kubeflow": requirements("kubeflow.in"),
        "mysql": requirements("mysql.in"),
        "s3": requirements("s3.in"),
        "sql": requirements("sql.in"),
        "tuning": requirements("tuning.in"),
    },
    entry_points={
        "console_scripts": ["tfx-pipeline=tfx_pipeline.cli.main:run"],
        "tfx_pipeline.runners": [
            "local=tfx_pipeline.orchestrators.local.runner:command",
            "airflow=tfx_pipeline.orchestrators.airflow.runner:command",
            "serving=tfx_pipeline.cli.compile_serving:command",
            "kubeflow=tfx_pipeline.orchestrators.kubeflow.runner:command",
        ],
    },
    # `build/` holds runs and models; the build of the package must not end up there.
    options={"build": {"build_base": ".build"}},
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
