"""Resolves requirements/*.in into lock files with hashes: `make lock`."""

from __future__ import annotations

import subprocess
import sys

from scripts import pythons, tfx_line


def main(options: list[str]) -> None:
    """Resolves all: for both lines of TFX, and for other tools.

    Args:
      options: of `uv pip compile`, for example `--upgrade`.
    """
    for line, versions in tfx_line.LINES.items():
        for version in versions:
            name = f"tfx-{line}-py{version}"
            resolve("tfx", name, version, options)
            within = ("-c", f"requirements/{name}.txt")
            resolve("dev", f"{name}-dev", version, options, *within)
        newest = versions[0]
        within = ("-c", f"requirements/tfx-{line}-py{newest}.txt")
        resolve("cluster", f"cluster-{line}", newest, options, *within)
        within = ("-c", f"requirements/cluster-{line}.txt")
        resolve("cluster-gpu", f"cluster-{line}-gpu", newest, options, *within)
    for name in ("kubeflow", "kubeflow-dev", "airflow"):  # for any Python from 3.10
        resolve(name, name, "3.10", [*options, "--universal"])


def resolve(source: str, name: str, version: str, options: list[str], *more: str) -> None:
    """Writes one lock file, with hashes."""
    pythons.say(f"resolving {name} ...")
    files = (f"requirements/{source}.in", "-o", f"requirements/{name}.txt", *more)
    style = ("--quiet", "--no-header", "--generate-hashes")
    python = ["--python-version", version]
    if version in tfx_line.LINES["1.21"]:  # else this machine's glibc counts
        python += ["--python-platform", "x86_64-manylinux_2_39"]
    uv = pythons.find_uv(sys.executable)
    command = (uv, "pip", "compile", *files, *style, *python, *options)
    if subprocess.run(command, cwd=pythons.PROJECT, check=False).returncode:
        raise SystemExit(f"set-up: failed: {' '.join(command)}")


if __name__ == "__main__":
    main(sys.argv[1:])
