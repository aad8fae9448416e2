"""TFX's own project templates, copied from the installed wheel, with all components."""

from __future__ import annotations

import pathlib
import re
import shutil

import pandas as pd
import tfx

_WHEEL = pathlib.Path(tfx.__file__).parent
_IMPORTS = re.compile(r"from tfx\.experimental\.templates\.\w+\.")


def copy_template(name: str, folder: pathlib.Path) -> pathlib.Path:
    """What `tfx template copy` makes, with the steps of its tutorial done.

    The runner is changed as somebody changes it who comes from `LocalDagRunner`: an import
    and the call.
    """
    source = _WHEEL / "experimental" / "templates" / name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("e2e_tests", "*_test.py"))
    for file in folder.rglob("*.py"):
        text = _IMPORTS.sub("from ", file.read_text()).replace("{{PIPELINE_NAME}}", f"my_{name}")
        file.write_text(text.replace("# components.append(", "components.append("))
    _edit(folder / "pipeline" / "configs.py", "TRAIN_NUM_STEPS = 1000", "TRAIN_NUM_STEPS = 200")
    runner = folder / "local_runner.py"
    _edit(runner, "from tfx import v1 as tfx", "from tfx import v1 as tfx\nimport tfx_pipeline")
    _edit(runner, "tfx.orchestration.LocalDagRunner().run(", "run = tfx_pipeline.LocalRunner(")
    text = runner.read_text().replace("(METADATA_PATH)))", "(METADATA_PATH))).run()")
    runner.write_text(text)
    (folder / "data").mkdir()
    return folder


def taxi(folder: pathlib.Path) -> pathlib.Path:
    """The taxi template with its data."""
    project = copy_template("taxi", folder)
    data = _WHEEL / "examples" / "chicago_taxi_pipeline" / "data" / "simple" / "data.csv"
    shutil.copy(data, project / "data" / "data.csv")
    return project


def penguin(folder: pathlib.Path) -> pathlib.Path:
    """The penguin template. It downloads its table; the irises are one of the same form."""
    from sklearn import datasets

    project = copy_template("penguin", folder)
    features, species = datasets.load_iris(return_X_y=True)
    names = ["culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g"]
    table = pd.DataFrame(features, columns=names)
    table = (table - table.min()) / (table.max() - table.min())
    table.insert(0, "species", species)
    table.to_csv(project / "data" / "data.csv", index=False)
    return project


def _edit(file: pathlib.Path, old: str, new: str) -> None:
    text = file.read_text()
    if old in text:
        file.write_text(text.replace(old, new))
