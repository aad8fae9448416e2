"""Stand-ins for modules that few pipelines use: nobody who does use them notices."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tfx_pipeline.compat import lines

IMPORT = """
import sys
from tfx_pipeline.compat import lazy_imports
from tfx_pipeline.orchestrators import fork_server
with lazy_imports.importing():
    fork_server.import_libraries()
"""


def run(code, before=""):
    """Standard output of a process that runs `before`, imports all that nodes need, then `code`."""
    script = IMPORT.replace("with lazy_imports", textwrap.dedent(before) + "with lazy_imports")
    return output(script + textwrap.dedent(code)).split()


def output(script):
    """Standard output of a process."""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `heavy` that counts how often it is run, and a module that imports it."""
    from tfx_pipeline.compat import lazy_imports

    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_text(
        "import builtins; builtins.heavy_runs += 1\nfrom heavy.part import made\nvalue = 7\n"
    )
    (tmp_path / "heavy" / "part.py").write_text("made = object()\n")
    (tmp_path / "heavy" / "other.py").write_text("")
    (tmp_path / "user_of_heavy.py").write_text("import heavy\nfrom heavy import part\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lazy_imports, "MODULES", ("heavy", "heavy.nowhere"))
    monkeypatch.setattr("builtins.heavy_runs", 0, raising=False)
    yield
    for name in [name for name in sys.modules if name.startswith(("heavy", "user_of_heavy"))]:
        del sys.modules[name]


def runs():
    import builtins

    return builtins.heavy_runs


@pytest.mark.usefixtures("package")
class TestStandIn:
    def test_a_module_runs_when_it_is_used(self):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            import user_of_heavy
        assert runs() == 0
        assert user_of_heavy.heavy.value == 7
        assert user_of_heavy.heavy.value == 7
        assert runs() == 1

    def test_a_module_may_be_used_while_others_are_imported(self):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            import user_of_heavy

            assert user_of_heavy.heavy.value == 7
        assert runs() == 1

    def test_later_imports_get_the_real_module(self):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            import user_of_heavy
        import heavy
        import heavy.other

        assert runs() == 1
        # What was imported before its package is the same, and the package knows it.
        assert heavy.part is user_of_heavy.part
        assert heavy.made is user_of_heavy.part.made is user_of_heavy.heavy.made
        assert heavy.other is user_of_heavy.heavy.other

    def test_a_wrong_name_is_an_attribute_error(self):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            import user_of_heavy
        with pytest.raises(AttributeError, match="nothing_like_it"):
            user_of_heavy.heavy.nothing_like_it

    def test_a_module_that_is_not_there_cannot_be_imported(self):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing(), pytest.raises(ModuleNotFoundError, match=r"heavy\.nowhere"):
            import heavy.nowhere  # noqa: F401

    def test_the_real_module_takes_all_places_when_anybody_imports_it(self):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            import user_of_heavy
        assert runs() == 0
        import heavy

        assert vars(user_of_heavy)["heavy"] is heavy
        assert type(heavy) is type(sys)

    def test_its_names_are_those_of_the_real_module(self):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            import user_of_heavy
        assert "value" in dir(user_of_heavy.heavy)

    def test_one_context_inside_another_keeps_its_stand_ins(self, monkeypatch):
        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            with lazy_imports.importing("json"):
                pass
            import user_of_heavy
        assert runs() == 0
        assert user_of_heavy.heavy.value == 7

    def test_a_package_is_imported_before_its_parts_where_code_is_not_known(self, tmp_path):
        from tfx_pipeline.compat import lazy_imports

        (tmp_path / "heavy" / "inner").mkdir()
        (tmp_path / "heavy" / "inner" / "__init__.py").write_text("")
        (tmp_path / "heavy" / "inner" / "base.py").write_text("import heavy\nBase = heavy.value\n")
        with (tmp_path / "heavy" / "__init__.py").open("a") as file:
            file.write("from heavy.inner import base\nbase.Base\n")
        with lazy_imports.importing():
            import user_of_heavy
            from heavy import inner
        assert runs() == 0
        lazy_imports.importing_class("somebody.else.Executor", lazy_imports.importing)
        from heavy.inner import base

        assert runs() == 1
        assert base.Base == 7
        assert inner.base is base is sys.modules["heavy.inner.base"]
        assert base.__spec__.origin == str(tmp_path / "heavy" / "inner" / "base.py")
        assert user_of_heavy.heavy is sys.modules["heavy"]

    def test_what_cannot_be_imported_says_so_when_it_is_used(self, tmp_path):
        from tfx_pipeline.compat import lazy_imports

        (tmp_path / "heavy" / "__init__.py").write_text("import nothing_like_it")
        with lazy_imports.importing():
            import user_of_heavy
        with pytest.raises(ModuleNotFoundError, match="nothing_like_it"):
            user_of_heavy.heavy.value

    def test_garbage_is_collected_afterwards(self):
        import gc

        from tfx_pipeline.compat import lazy_imports

        with lazy_imports.importing():
            assert not gc.isenabled()
        assert gc.isenabled()


@pytest.mark.tensorflow
def test_nothing_that_nodes_import_needs_the_real_modules():
    """If one is needed, it saves nothing to name it: it should not be in the list."""
    # The newer Beam reads a class of this one when it is imported.
    needed = ["google.cloud.storage"] if lines.installed() == lines.NEWER else []
    assert run("print(*(name for name in lazy_imports.MODULES if name in sys.modules))") == needed


@pytest.mark.tensorflow
def test_the_launcher_needs_none_and_no_stand_in_is_left_of_what_was_imported():
    script = """
        import sys
        from tfx_pipeline.compat import lazy_imports
        with lazy_imports.importing_launcher():
            from tfx_pipeline.execution import launcher
        print(*(name for name in lazy_imports.FOR_EXECUTORS if name in sys.modules))
        import tensorflow_model_analysis, tensorflow_transform, tensorflow_data_validation
        for module in sys.modules.values():
            for name, value in vars(module).items():
                if isinstance(value, lazy_imports._StandIn) and value.__name__ in sys.modules:
                    print(module.__name__, name)
        import tensorflow
        from tfx.dsl.io.plugins import tensorflow_gfile
        print(vars(tensorflow_gfile)["tf"] is tensorflow)
    """
    assert output(textwrap.dedent(script)).split() == ["True"]


@pytest.mark.tensorflow
def test_all_are_imported_by_somebody():
    code = """
        import tensorflow_data_validation, tensorflow_model_analysis, tensorflow_transform
        import importlib, importlib.util
        there = [n for n in lazy_imports.MODULES if importlib.util.find_spec(n.partition(".")[0])]
        print(*(name for name in there if importlib.import_module(name) is None))
        print(*sorted(set(there) - {m.__name__ for m in stood_in}))
    """
    before = """
        stood_in = []
        create = lazy_imports._Empty.create_module
        lazy_imports._Empty.create_module = lambda *a: stood_in.append(create(*a)) or stood_in[-1]
    """
    assert run(code, before) == []


USES = [
    "import apache_beam as beam; beam.io.ReadFromPubSub; beam.io.ReadFromBigQuery",
    "from apache_beam.io.gcp.gcsio import GcsIO, storage; storage.Client",
    "from apache_beam.io.gcp import bigquery_tools as b; b.gcp_bigquery.Client",
    "from apache_beam.io.hadoopfilesystem import hdfs; hdfs and hdfs.InsecureClient",
    "import nltk; from nltk.corpus import stopwords; nltk.stem.porter.PorterStemmer()",
    "from rouge_score import rouge_scorer as r; r.RougeScorer(['rouge1'], True)",
    "import tfx.v1 as tfx; tfx.components.Transform; tfx.components.Tuner",
    "import tensorflow_model_analysis as tfma; tfma.view.render_slicing_metrics",
    "from tensorflow_model_analysis.utils import math_util; math_util.stats.t",
    "import scipy; from scipy import stats; stats.norm.cdf(0.5); scipy.stats",
    "import IPython; IPython.get_ipython()",
    "from googleapiclient import discovery; discovery.build",
]


@pytest.mark.tensorflow
def test_whoever_needs_one_has_it():
    """Each use in a fork of its own: what one of them imports helps no other."""
    code = f"""
        import os
        for use in {USES!r}:
            if not (child := os.fork()):
                exec(use)
                os._exit(0)
            if os.waitpid(child, 0)[1]:
                print(use.replace(" ", "_"))
        """
    assert run(code) == []
