"""Remembering what Beam asks about methods changes no answer."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

pytestmark = pytest.mark.tensorflow


class Stage:
    def __init__(self, function):
        self.function = function

    def process(self, element, side=3, *, window=None):
        return element


def test_answers_are_the_same_and_lists_are_copies():
    from apache_beam.transforms import core

    from tfx_pipeline.compat.beam_patches import remembering_methods

    stock = core.get_function_args_defaults
    quick = remembering_methods(stock)
    for f in (Stage(1).process, Stage.process, lambda x, y=2: x, len, Stage(2).process):
        assert quick(f) == stock(f)
    quick(Stage(1).process)[1].append("changed by the caller")
    assert quick(Stage(1).process) == stock(Stage(1).process)


def test_state_of_one_class_is_remembered_and_that_of_wrapped_functions_is_not():
    import apache_beam as beam
    from apache_beam.coders import coders
    from apache_beam.transforms import core, userstate

    from tfx_pipeline.compat.beam_patches import remembering_classes

    state = userstate.BagStateSpec("bag", coders.BytesCoder())
    parameter = beam.DoFn.StateParam(state)

    class Stateful(beam.DoFn):
        def process(self, element, bag=parameter):
            yield element

    def stateful(element, bag=parameter):
        return [element]

    quick = remembering_classes(userstate.get_dofn_specs)
    plain = core.CallableWrapperDoFn(lambda element: [element])
    wrapped = core.CallableWrapperDoFn(stateful)
    for dofn in (Stateful(), plain, wrapped, Stateful(), beam.DoFn(), plain):
        assert quick(dofn) == userstate.get_dofn_specs(dofn)
    assert quick(Stateful())[0] == {state}


def test_functions_of_one_class_are_told_apart_by_instance():
    from apache_beam.transforms import core

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import BUILDING

    with applied(BUILDING):
        one = core.get_function_arguments(core.CallableWrapperDoFn(lambda x, y=1: x), "process")
        two = core.get_function_arguments(core.CallableWrapperDoFn(lambda x, y=2: x), "process")
    assert (one[1][-1:], two[1][-1:]) == ([1], [2])


def test_everything_is_put_back():
    from apache_beam.transforms import core
    from tensorflow_transform import impl_helper

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import BUILDING, TRACES

    trace = impl_helper.trace_preprocessing_function
    before = core.get_function_args_defaults
    with applied((*BUILDING, TRACES)):
        assert core.get_function_args_defaults is not before
        assert impl_helper.trace_preprocessing_function is not trace
    assert core.get_function_args_defaults is before
    assert impl_helper.trace_preprocessing_function is trace


def test_dills_logger_still_follows_the_switch():
    import dill

    from tfx_pipeline.compat.beam_patches import changing_the_level_only

    set_levels = []

    def trace(boolean):
        set_levels.append(boolean)
        logging.getLogger("dill").setLevel(logging.INFO if boolean else logging.WARNING)

    assert dill.__name__ == logging.getLogger("dill").name
    trace(False)
    changing = changing_the_level_only(trace)
    for boolean in (False, True, True, False, False):
        changing(boolean)
    assert set_levels == [False, True, False]


def test_views_of_options_are_made_once_and_share_their_values():
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions, TypeOptions

    from tfx_pipeline.compat.patch import applied
    from tfx_pipeline.compat.table import BUILDING

    options = PipelineOptions(["--streaming"])
    assert options.view_as(TypeOptions) is not options.view_as(TypeOptions)
    with applied(BUILDING):
        assert options.view_as(TypeOptions) is options.view_as(TypeOptions)
        options.view_as(TypeOptions).pipeline_type_check = False
        assert options.view_as(StandardOptions).streaming
        assert options.view_as(StandardOptions).view_as(TypeOptions).pipeline_type_check is False
        assert PipelineOptions([]).view_as(TypeOptions).pipeline_type_check is True
    assert options.view_as(TypeOptions).pipeline_type_check is False


SHELL = """
import sys
from tfx_pipeline.compat import lazy_imports
from tfx_pipeline.orchestrators import fork_server
with lazy_imports.importing():
    fork_server.import_libraries()
import apache_beam as beam
from apache_beam.utils import interactive_utils
from tfx_pipeline.compat.patch import applied
from tfx_pipeline.compat.table import BUILDING

def run():
    with beam.Pipeline() as pipeline:
        pipeline | beam.Create([1])
    return "IPython.core.interactiveshell" in sys.modules

with applied(BUILDING):
    print(run())
print(run())
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
print(interactive_utils.is_in_ipython(), beam.pipeline.is_in_ipython())
with applied(BUILDING):
    print(interactive_utils.is_in_ipython(), beam.pipeline.is_in_ipython())
"""


def test_ipython_is_not_imported_and_its_shell_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", SHELL], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    ours, stock, *shells = ended.stdout.splitlines()
    assert ours == "False"
    assert stock == "True", "Beam imports IPython; otherwise the patch is not needed"
    assert shells == ["True True"] * 2
