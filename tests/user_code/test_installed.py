"""Code of a user's installed packages counts; what TFX brings counts by its version."""

from __future__ import annotations

import hashlib
import pathlib
import sys

import pytest

import tfx_pipeline
from tfx_pipeline.user_code import code_digest, finder, installed


@pytest.fixture
def site_packages(tmp_path, monkeypatch):
    """Installed: the distributions my-shop, with two packages, and house-tools."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    install(
        folder,
        "my-shop",
        {
            "shop/__init__.py": "",
            "shop/trainer.py": "import tensorflow, scipy.stats\nfrom shop import network\n",
            "shop/network.py": "import house_tools.layers\nfrom shop_data import rows\n",
            "shop/unrelated.py": "",
            "shop_data/rows.py": "rows = 1\n",
        },
    )
    install(folder, "house-tools", {"house_tools/layers.py": "1\n", "house_tools/other.py": "1\n"})
    monkeypatch.syspath_prepend(str(folder))
    forget()
    yield folder
    forget()


def install(folder: pathlib.Path, name: str, files: dict[str, str]) -> None:
    """Writes the files, and the list of their hashes as pip does."""
    record = []
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
        record.append(f"{path},sha256={hashlib.sha256(text.encode()).hexdigest()},{len(text)}")
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("\n".join([*record, f"{info.name}/RECORD,,"]))


def forget():
    finder.forget_places()
    for function in vars(installed).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def test_the_named_package_counts_where_it_is_installed(site_packages):
    found = code_digest.code_digests("shop.trainer.run_fn")
    assert {"shop", "shop.trainer", "shop.network", "shop_data.rows"} <= set(found)
    assert "shop.unrelated" not in found


def test_other_distributions_count_as_a_whole(site_packages):
    before = code_digest.code_digests("shop.trainer.run_fn")
    assert [name for name in before if " " in name] == ["distribution house-tools"]
    install(site_packages, "house-tools", {"house_tools/other.py": "2\n"})
    forget()
    after = code_digest.code_digests("shop.trainer.run_fn")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"distribution house-tools"}


def test_what_tfx_requires_is_not_read(site_packages):
    found = code_digest.code_digests("shop.trainer.run_fn", "tfx.components.Trainer")
    tops = {name.partition(".")[0] for name in found}
    assert tops.isdisjoint({"tensorflow", "scipy", "tfx", "house_tools"})
    assert not code_digest.is_own("tfx.components.Trainer")
    assert code_digest.is_own("shop.trainer.run_fn")


def test_a_package_without_a_distribution_is_read(site_packages):
    (site_packages / "shop_data" / "rows.py").write_text("import loose\n")
    (site_packages / "loose.py").write_text("")
    found = code_digest.code_digests("shop_data.rows.read")
    assert {"shop_data.rows", "loose"} <= set(found)


def test_this_library_is_read_wherever_it_is():
    path = "tfx_pipeline.components.data_gate.executor.Executor"
    assert "tfx_pipeline.components.data_gate.executor" in code_digest.code_digests(path)


def test_versions_of_what_can_change_a_result_count():
    versions = installed.versions()
    assert versions["tfx_pipeline"] == tfx_pipeline.__version__
    assert set(versions) == {
        "apache-beam", "tensorflow", "tensorflow-model-analysis", "tensorflow-transform",
        "tf-keras", "tfx", "tfx-bsl", "tfx_pipeline",
    }  # fmt: skip


@pytest.mark.parametrize("package", ["json", "tensorflow", "yaml", "googleapiclient"])
def test_tfx_brings_its_requirements(package):
    assert installed.is_brought(package)


def test_the_standard_library_is_installed():
    assert installed.is_installed(pathlib.Path(sys.modules["json"].__file__).resolve())
