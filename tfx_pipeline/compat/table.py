"""All changes of other libraries' insides, in one table.

`patch` explains how they are switched off. `python -m benchmarks patches` measures them.
"""

from __future__ import annotations

import types

from tfx_pipeline.compat.patch import Patch

_BEAM, _BEAM_VERSIONS = "apache-beam", ("2.61", "2.73")
_BEAM_TEST = "test_beam_patches.py"

BUILDING = (
    Patch(
        name="beam.dofn-specs",
        saves=0.3,
        target="apache_beam.transforms.userstate:get_dofn_specs",
        library=_BEAM,
        versions=_BEAM_VERSIONS,
        why="the state and the timers of a DoFn are looked up anew for each stage",
        expects=("dofn",),
        replacement="beam_patches:remembering_classes",
        test=_BEAM_TEST,
    ),
    Patch(
        name="beam.method-arguments",
        saves=0.9,
        target="apache_beam.transforms.core:get_function_args_defaults",
        library=_BEAM,
        versions=_BEAM_VERSIONS,
        why="inspect.signature of the same methods, tens of thousands of times",
        expects=("f",),
        replacement="beam_patches:remembering_methods",
        test=_BEAM_TEST,
    ),
    Patch(
        name="beam.option-views",
        saves=0.8,
        target="apache_beam.options.pipeline_options:PipelineOptions.view_as",
        library=_BEAM,
        versions=_BEAM_VERSIONS,
        why="each stage parses the pipeline's options again",
        expects=("self", "cls"),
        replacement="beam_patches:remembering_views",
        test=_BEAM_TEST,
    ),
    *(
        Patch(
            name=name,
            target=f"{module}:is_in_ipython",
            library=_BEAM,
            versions=versions,
            why="each pipeline imports IPython, to learn that it does not run in its shell",
            expects=(),
            replacement="beam_patches:importing_no_shell",
            test=_BEAM_TEST,
        )
        for name, module, versions in (
            ("beam.ipython-labels", "apache_beam.utils.interactive_utils", _BEAM_VERSIONS),
            ("beam.ipython-files", "apache_beam.pipeline", _BEAM_VERSIONS),
            ("beam.ipython-runner", "apache_beam.runners.direct.direct_runner", ("2.73",)),
        )
    ),
    Patch(
        name="dill.trace",
        saves=0.7,
        target="dill:dill._trace",
        library="dill",
        versions=("0.3",),
        why="each pickled object sets a logger's level twice, which clears all loggers' caches",
        expects=("boolean",),
        replacement="beam_patches:changing_the_level_only",
        test=_BEAM_TEST,
    ),
    Patch(
        name="tft.input-names",
        target="tensorflow_transform.impl_helper:_sanitize_scope_name",
        library="tensorflow-transform",
        versions=("1.16", "1.21"),
        why="a name that ends with a slash, or differs from another in a space or a sign, fails",
        expects=("name",),
        replacement="transform_names:unique",
        test="test_transform_names.py",
    ),
    Patch(
        name="beam.empty-s3-files",
        target="apache_beam.io.aws.s3io:S3Uploader.finish",
        library=_BEAM,
        versions=_BEAM_VERSIONS,
        why="Beam uploads no part of an empty file, and S3 refuses an upload without parts",
        expects=("self",),
        replacement="s3_uploads:finishing_with_a_part",
        test="../storage/test_object_store.py",
    ),
)
"""While one of this project's Beam components builds and runs its pipeline."""

_IN_PROCESS_TEST = "test_in_process_beam.py"

IN_PROCESS = (
    Patch(
        name="cloudpickle.submodules",
        saves=0.5,
        target="cloudpickle.cloudpickle_fast:_find_imported_submodules",
        library="cloudpickle",
        versions=("2.2",),
        why="each pickled function searches all modules for what distant workers must import",
        expects=("code", "top_level_dependencies"),
        replacement="in_process_beam:without_submodules",
        test=_IN_PROCESS_TEST,
    ),
    Patch(
        name="beam.submodules",
        saves=0.5,
        target="apache_beam.internal.cloudpickle.cloudpickle:_find_imported_submodules",
        library=_BEAM,
        versions=("2.73",),
        why="the same in Beam's own copy of cloudpickle, which its newer versions use",
        expects=("code", "top_level_dependencies"),
        replacement="in_process_beam:without_submodules",
        test=_IN_PROCESS_TEST,
    ),
    Patch(
        name="beam.bz2-cloudpickle",
        saves=0.7,
        target="apache_beam.internal.cloudpickle_pickler:bz2",
        library=_BEAM,
        versions=_BEAM_VERSIONS,
        why="pickled stages are compressed, and expanded in the same process",
        expects=types.ModuleType,
        replacement="in_process_beam:without_compression",
        test=_IN_PROCESS_TEST,
    ),
    Patch(
        name="objsize.module-globals",
        target="objsize.traverse:TraversalContext._update_exclude_set",
        library="objsize",
        versions=("0.7",),
        why="each value that Beam caches is measured, and each time all modules are listed",
        expects=("self",),
        replacement="in_process_beam:remembering_modules",
        test=_IN_PROCESS_TEST,
    ),
    Patch(
        name="beam.state-sampler",
        saves=1.0,
        target="apache_beam.runners.worker.statesampler:StateSampler",
        library=_BEAM,
        versions=_BEAM_VERSIONS,
        why="a thread for each bundle looks again and again which stage is running",
        expects=type,
        replacement="in_process_beam:without_thread",
        test=_IN_PROCESS_TEST,
    ),
)
"""While such a pipeline runs in the process that builds it."""

_HISTORIES_TEST = "test_long_histories.py"

LONG_HISTORIES = (
    Patch(
        name="tfx.inputs-of-a-run",
        target="tfx.orchestration.portable.input_resolution.channel_resolver:"
        "_get_executions_by_all_contexts",
        library="tfx",
        versions=("1.16", "1.21"),
        why="each input loads the executions of all runs, to find one of this run",
        expects=("store", "contexts"),
        replacement="long_histories:reading_this_run",
        test=_HISTORIES_TEST,
    ),
    Patch(
        name="tfx.executions-of-a-run",
        target="tfx.orchestration.portable.mlmd.execution_lib:"
        "get_executions_associated_with_all_contexts",
        library="tfx",
        versions=("1.16", "1.21"),
        why="the query joins the executions of all runs, to find those of this run",
        expects=("metadata_handle", "contexts"),
        replacement="long_histories:reading_this_run_by_handle",
        test=_HISTORIES_TEST,
    ),
    Patch(
        name="tfx.newest-cached-outputs",
        target="tfx.orchestration.portable.cache_utils:get_cached_outputs",
        library="tfx",
        versions=("1.16", "1.21"),
        why="all executions with the same cache key are loaded, to use the newest",
        expects=("metadata_handle", "cache_context"),
        replacement="long_histories:reading_the_newest",
        test=_HISTORIES_TEST,
    ),
)
"""While TFX's launcher runs a node. Without them, a node's start takes the longer, the more
runs the database holds (see benchmarks/METADATA.md)."""

IMPORTS = Patch(
    name="imports.on-demand",
    saves=0.8,
    target="sys:meta_path",
    library="tfx",
    versions=("1.16", "1.21"),
    why="TensorFlow, Beam and TFX import clients of clouds, IPython and NLTK that few need",
    test="test_lazy_imports.py",
)
TRACES = Patch(
    name="tft.traces",
    saves=0.6,
    target="tensorflow_transform.impl_helper:trace_preprocessing_function",
    library="tensorflow-transform",
    versions=("1.16", "1.21"),
    why="the user's function is traced to learn which columns it reads, and to analyse it",
    expects=("preprocessing_fn", "input_specs", "use_tf_compat_v1", "base_temp_dir"),
    replacement="transform_traces:remembering_traces",
    test="test_transform_traces.py",
)
TRANSFORM_FILES = Patch(
    name="tfx.transform-files",
    target="tfx.components.transform.executor:TransformProcessor._CreateTFXIO",
    library="tfx",
    versions=("1.16", "1.21"),
    why="TFX's Transform passes each record through Python, to read and to write it",
    expects=("self", "dataset", "schema"),
    test="../components/transform/test_tfx_arguments.py",
)
LOCAL_FILES = Patch(
    name="tfx.local-files",
    target="tfx.dsl.io.filesystem_registry:DEFAULT_FILESYSTEM_REGISTRY",
    library="tfx",
    versions=("1.16", "1.21"),
    why="opening a local file, or looking whether it exists, imports TensorFlow",
    test="test_local_filesystem.py",
)
SLICED_STATISTICS = Patch(
    name="tfdv.sliced-statistics",
    saves=1.0,
    target="tensorflow_data_validation.statistics.stats_impl:GenerateSlicedStatisticsImpl",
    library="tensorflow-data-validation",
    versions=("1.16", "1.21"),
    why="tfdv.GenerateStatistics builds some 150 transforms, once for each split",
    expects=("options", "is_slicing_enabled"),
    test="../components/statistics_gen/test_statistics_gen.py",
)
EVALUATION_ROWS = Patch(
    name="tfma.rows",
    target="tensorflow_model_analysis.utils.util:split_extracts",
    library="tensorflow-model-analysis",
    versions=("0.47",),
    why="each value of each row is compared with seven types, to make rows of a batch",
    expects=("extracts", "keep_batch_dim", "expand_zero_dims"),
    replacement="evaluation_rows:by_columns",
    test="test_evaluation_rows.py",
)
AUTOGRAPH_RULES = Patch(
    name="tensorflow.autograph-rules",
    saves=0.9,
    target="tensorflow.python.autograph.core.config:CONVERSION_RULES",
    library="tensorflow",
    versions=("2.16",),
    why="TensorFlow's list of code that needs no rewriting names keras but not tf_keras",
    expects=tuple,
    replacement="autograph_rules:with_own_rules",
    test="test_training_patches.py",
)
TRANSFORM_RULES = Patch(
    name="tensorflow.autograph-of-transform",
    target="tensorflow.python.autograph.core.config:CONVERSION_RULES",
    library="tensorflow",
    versions=("2.16",),
    why="each export of a model rewrites TensorFlow Transform's code, which does not need it",
    expects=tuple,
    replacement="autograph_rules:with_rules_of_transform",
    test="test_training_patches.py",
)
ARGUMENT_NAMES = Patch(
    name="tensorflow.argument-names",
    target="tensorflow.core.function.polymorphism.function_type:sanitize_arg_name",
    library="tensorflow",
    versions=("2.21",),
    why="a graph with the inputs `a b` and `a/b` is not loaded: both become the argument a_b",
    expects=("name",),
    replacement="transform_names:unique",
    test="test_transform_names.py",
)
TRAINING_LOOP = Patch(
    name="keras.training-loop",
    saves=1.4,
    target="tf_keras:Model.make_train_function",
    library="tf-keras",
    versions=("2.16", "2.21"),
    why="Keras traces a step twice, and AutoGraph rewrites it with all that it calls",
    expects=("self", "force"),
    test="test_training_patches.py",
)
UNOPTIMIZED_GRAPHS = Patch(
    name="tensorflow.unoptimized-graphs",
    saves=1.5,
    target="tensorflow.python.saved_model.loader_impl:SavedModelLoader.load",
    library="tensorflow",
    versions=("2.16", "2.21"),
    why="optimizing a graph takes longer than running it on a test split",
    expects=("self", "sess", "tags", "import_scope", "saver_kwargs"),
    test="test_saved_model_session.py",
)
SESSION_CALLABLES = Patch(
    name="tensorflow.session-callables",
    target="tensorflow.compat.v1:Session._make_callable_from_options",
    library="tensorflow",
    versions=("2.16", "2.21"),
    why="the public Session.make_callable takes three times as long for each request",
    expects=("self", "callable_options"),
    test="test_saved_model_session.py",
)

PATCHES: tuple[Patch, ...] = (
    *BUILDING,
    *IN_PROCESS,
    *LONG_HISTORIES,
    IMPORTS,
    TRACES,
    TRANSFORM_FILES,
    LOCAL_FILES,
    SLICED_STATISTICS,
    EVALUATION_ROWS,
    AUTOGRAPH_RULES,
    TRANSFORM_RULES,
    ARGUMENT_NAMES,
    TRAINING_LOOP,
    UNOPTIMIZED_GRAPHS,
    SESSION_CALLABLES,
)
