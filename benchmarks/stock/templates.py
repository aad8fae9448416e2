"""TFX's own project templates, copied from the installed wheel, with all components."""

from __future__ import annotations

import pathlib
import re
import shutil

import pandas as pd
import tfx

_WHEEL = pathlib.Path(tfx.__file__).parent
TAXI_DATA = _WHEEL / "examples" / "chicago_taxi_pipeline" / "data" / "simple" / "data.csv"
_IMPORTS = re.compile(r"from tfx\.experimental\.templates\.\w+\.")
_TFX = "from tfx import v1 as tfx"


def taxi(folder: pathlib.Path) -> pathlib.Path:
    """The taxi template with its data."""
    project = _copy("taxi", folder)
    shutil.copy(TAXI_DATA, project / "data" / "data.csv")
    return project


def penguin(folder: pathlib.Path) -> pathlib.Path:
    """The penguin template with its data."""
    project = _copy("penguin", folder)
    penguin_table().to_csv(project / "data" / "data.csv", index=False)
    return project


def penguin_table() -> pd.DataFrame:
    """The irises, in the form of TFX's table of penguins, which would be downloaded."""
    from sklearn import datasets

    features, species = datasets.load_iris(return_X_y=True)
    names = ["culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g"]
    table = pd.DataFrame(features, columns=names)
    table = (table - table.min()) / (table.max() - table.min())
    table.insert(0, "species", species)
    return table


def penguin_example(folder: pathlib.Path) -> pathlib.Path:
    """TFX's example with Tuner, BulkInferrer, ExampleDiff and spans, with its data.

    `penguin_pipeline_local.create_pipeline` makes the pipeline.
    """
    table = penguin_table().sample(frac=1, random_state=1)
    parts = {
        "labelled/day1": table[:90],
        "labelled/day2": table[90:],
        "unlabelled": table[:40].drop(columns="species"),
        "skewed": table,
    }
    for name, part in parts.items():
        (folder / "data" / name).mkdir(parents=True)
        part.to_csv(folder / "data" / name / "data.csv", index=False)
    for name in ("penguin_pipeline_local", "penguin_utils_base", "penguin_utils_keras"):
        shutil.copy(_WHEEL / "examples" / "penguin" / f"{name}.py", folder)
    # Each trial takes seconds.
    _edit(folder / "penguin_utils_keras.py", ("max_trials=6,", "max_trials=2,"))
    return folder


def _copy(name: str, folder: pathlib.Path) -> pathlib.Path:
    """What `tfx template copy` makes, with the steps of its tutorial done."""
    source = _WHEEL / "experimental" / "templates" / name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("e2e_tests", "*_test.py"))
    for file in folder.rglob("*.py"):
        text = _IMPORTS.sub("from ", file.read_text()).replace("{{PIPELINE_NAME}}", f"my_{name}")
        file.write_text(text.replace("# components.append(", "components.append("))
    configs = folder / "pipeline" / "configs.py"
    # Taxi takes minutes otherwise; penguin's model often misses its threshold after 100 steps.
    steps = {"taxi": ("TRAIN_NUM_STEPS = 1000", 200), "penguin": ("TRAIN_NUM_STEPS = 100", 1000)}
    old, new = steps[name]
    _edit(configs, (old + "\n", f"TRAIN_NUM_STEPS = {new}\n"))
    (folder / "data").mkdir()
    return folder


def use_local_runner(project: pathlib.Path, options: str = "") -> pathlib.Path:
    """Changes what somebody changes who comes from TFX's `LocalDagRunner`: an import and the call.

    Args:
      project: the folder of a template.
      options: more arguments of `LocalRunner`, as code.
    """
    _edit(
        project / "local_runner.py",
        (_TFX, "import tfx_pipeline\nfrom tfx_pipeline import tfx"),
        ("tfx.orchestration.LocalDagRunner().run(", "run = tfx_pipeline.LocalRunner("),
        ("(METADATA_PATH)))", f"(METADATA_PATH)), {options}).run()"),
    )
    return project


def use_components(project: pathlib.Path) -> pathlib.Path:
    """Changes the import of the components to this project's, and nothing else."""
    file = project / "pipeline" / "pipeline.py"
    file.write_text(
        file.read_text()
        .replace("tfx.components.", "components_of.")
        .replace(_TFX, f"{_TFX}\nfrom tfx_pipeline import components as components_of")
    )
    return project


def _edit(file: pathlib.Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{file}: {old!r} is there {text.count(old)} times, not once")
        text = text.replace(old, new)
    file.write_text(text)
