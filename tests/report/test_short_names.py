"""Names of nodes in the graph, when there is little room for them."""

from __future__ import annotations

import pytest

from tfx_pipeline.report.short_names import shorten


@pytest.mark.parametrize(
    ("names", "room", "texts"),
    [
        (["ExampleGen", "Trainer"], 10, ["ExampleGen", "Trainer"]),
        (["Train_model_07", "Train_model_08"], 10, ["…07", "…08"]),
        (["Step_1_of_branch_2", "Step_1_of_branch_3"], 10, ["…2", "…3"]),
        (["ExportCheckOfNorth", "ExportCheckOfSouth", "Push"], 9, ["…North", "…South", "Push"]),
        (["ExampleValidator"], 9, ["Exam…ator"]),
        (["StatisticsGen", "ExampleValidator"], 8, ["Stat…Gen", "Exam…tor"]),
        (["日本語の長い名前です"], 6, ["日本語…です"]),
        (["abc"], 1, ["…"]),
    ],
)
def test_long_names_keep_what_is_different(names, room, texts):
    assert list(shorten(dict.fromkeys(names, room)).values()) == texts


def test_no_text_is_too_long():
    names = {f"{word}_of_a_long_name_{i}": i for i, word in enumerate(["Alpha", "B"] * 20, 1)}
    for name, text in shorten(names).items():
        assert len(text) <= names[name]
