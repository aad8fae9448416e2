import pathlib
import sys

import pytest

from tfx_pipeline.config.loader import load_config, read_config
from tfx_pipeline.errors import ConfigError


def problems_of(file, *overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    return [str(problem) for problem in caught.value.problems]


def the_problem(file, *overrides):
    problems = problems_of(file, *overrides)
    assert len(problems) == 1, problems
    return problems[0]


def append(file, text):
    file.write_text(file.read_text() + text)
    return file


def test_the_bundled_example_is_right(project):
    config = load_config(project / "pipeline.yaml")
    assert config.name == "chicago-taxi"
    assert "tips" not in config.features


def test_paths_start_at_the_folder_of_the_file(shop, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    config = load_config(append(shop, "schema: {path: s.pbtxt}\nserving: {push_dir: ../models}\n"))
    assert config.folder == str(shop.parent)
    assert config.data.path == str(shop.parent / "data")
    assert config.root == str(shop.parent / "build")
    assert config.schema_source.path == str(shop.parent / "s.pbtxt")
    assert config.push_dir == str(shop.parent.parent / "models")


def test_a_root_given_by_hand_starts_at_the_working_directory(shop, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert load_config(shop, root="here").root == str(tmp_path / "here")


@pytest.mark.parametrize("path", ["s3://bucket/rows", "gs://bucket/rows", "hdfs://host/rows"])
def test_remote_paths_stay(shop, path):
    assert load_config(shop, [f"data.path={path}"]).data.path == path


def test_no_such_file_names_a_near_one(shop):
    text = str(ConfigError(the_problem(shop.with_name("pipelin.yaml"))))
    assert "there is no such file. Did you mean 'pipeline.yaml'?" in text


def test_no_such_folder(shop):
    assert "does not exist" in the_problem(shop.parent / "nowhere" / "pipeline.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"- a\n- b\n", "must be a mapping of keys, found a list"),
        (b"name: shop\ndata: {path: [\n", "is not YAML at line 3"),
        (b"name: shop\n\tdata: 1\n", "is not YAML at line 2"),
        (b"name: \xff\xfe\n", "is not UTF-8 text (byte 6)"),
    ],
)
def test_files_that_are_no_configuration(shop, content, message):
    shop.write_bytes(content)
    assert message in the_problem(shop)


def test_a_folder_is_no_file(tmp_path):
    assert "cannot be read" in the_problem(tmp_path)


def test_a_feature_named_twice(shop):
    append(shop, "  price: {transform: zscore}\n")
    expected = "features.price (line 10): is given twice, on lines 8 and 10. Keep one of them"
    assert the_problem(shop) == expected


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file(shop):
    append(shop, "training: {batch_size: 0, stesp: 5}\nevaluation: {metrics: [acu]}\nrot: x\n")
    assert problems_of(shop) == [
        "training.batch_size (line 10): must be at least 1, found 0",
        "training.stesp (line 10): unknown key. Did you mean 'steps'?",
        "evaluation.metrics.0 (line 11): there is no metric 'acu'. Did you mean 'auc'?",
        "rot (line 12): unknown key. Did you mean 'root'?",
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("name=A b", "name: must be 1 to 63 lower-case letters"),
        (
            "data.format=cvs",
            "must be 'csv', 'tsv', 'jsonl', 'parquet', 'orc', 'avro', 'tfrecord' "
            "or 'sql', found 'cvs'. Did you mean 'csv'?",
        ),
        ("data.split.train=0", "data.split.train: must be above 0, found 0"),
        ("data.delimiter=;;", "must be one ASCII character and no line break, found ';;'"),
        ("training.steps=many", "training.steps: must be a whole number, found 'many'"),
        ("training.steps=1.5", "training.steps: must be a whole number, found 1.5"),
        ("training.learning_rate=.inf", "must be a finite number, found inf"),
        (
            "training.early_stopping.metric=rmse",
            "training.early_stopping.metric: 'rmse' is not computed during the training of a "
            "binary label. Use one of loss, auc, binary_accuracy, binary_crossentropy",
        ),
        (
            "training.strategy=mirored",
            "training.strategy: must be 'none', 'mirrored' or 'multi_worker', found 'mirored'. "
            "Did you mean 'mirrored'?",
        ),
        (
            "training={strategy: multi_worker, workers: 1}",
            "training.workers: must be at least 2, found 1",
        ),
        (
            "training={workers: 3}",
            "training.workers: is for strategy multi_worker, not for none. Remove it, or set "
            "strategy: multi_worker",
        ),
        (
            "training={strategy: mirrored, workers: 3}",
            "training.workers: is for strategy multi_worker, not for mirrored",
        ),
        (
            "training={strategy: multi_worker, workers: 4, batch_size: 3}",
            "training.batch_size: 3 rows cannot be divided among 4 workers. Give at least one row",
        ),
        (
            "training.effort=fast",
            "training.effort: must be 'quick', 'standard' or 'best', found 'fast'",
        ),
        ("training.learning_rate=0", "training.learning_rate: must be above 0, found 0"),
        ("folder=/tmp", "folder: unknown key"),
        ("schema_source={}", "unknown key. Did you mean 'schema'?"),
        ("training.steps=true", "training.steps: must not be true or false, found true"),
        ("model.hidden_units=[8, true]", "model.hidden_units.1: must not be true or false"),
        ("model.dropout=1.0", "model.dropout: must be below 1, found 1.0"),
        ("model.wide=maybe", "model.wide: must be true or false, found 'maybe'"),
        ("model.hidden_units=5", "must be a list, found 5. Write [5]"),
        ("label.name=5", "label.name: must be text, found 5. Put it in quotes"),
        ("label.task=binari", "Did you mean 'binary'?"),
        ("schema=", "schema: must be a mapping of keys, found nothing"),
        ("features.price.transform=lgo", "there is no transform 'lgo'. Did you mean 'log'?"),
        ("features.price={transfrm: log}", "has the unknown key 'transfrm'. Did you mean"),
        ("features.price={top_k: 1}", "has no 'transform'. Known: auto, zscore"),
        ("features.price.mising=mean", "unknown key of transform 'log'. Did you mean 'missing'?"),
        ("features.price.missing=constant", "'fill_value' and 'missing: constant' require"),
        (
            "features.price={transform: integer, min: 3, max: 1}",
            "'min' (3) must be below 'max' (1)",
        ),
        ("metadata=postgresql://me@host/db", "PostgreSQL is not supported"),
        ("metadata=mysql://me:word@host/db", "contains a password; remove it and set"),
        ("modules.run_fn=run_fn", "must be a dotted path such as"),
        ("evaluation.thresholds.auc={}", "is empty; give min, max"),
        ("evaluation.thresholds.auc={min: 2, max: 1}", "min (2.0) is above max (1.0)"),
    ],
)
def test_values_out_of_range_or_of_the_wrong_kind(shop, override, message):
    assert message in the_problem(shop, override)


def test_a_password_is_never_printed(shop):
    assert "word" not in the_problem(shop, "metadata=mysql://me:word@host/db").replace(
        "password", ""
    ).replace("PASSWORD", "")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("label.name=price", "features.price (line 8): is the label and cannot be a feature"),
        ("features.a$values={transform: log}", "features.a$values: 'a$values' ends with '$values'"),
        ("label.name=b$indices", "label.name: 'b$indices' ends with '$indices'"),
        ("label.classes=[a, b, c]", "must name 2 classes for task 'binary', found 3"),
        ("label.classes=[a, a]", "label.classes: names 'a' twice"),
        ("label={name: b, task: multiclass, positive: a}", "is for task 'binary', not for task"),
        ("label={name: b, task: binary, classes: [a, b], positive: c}", "'c' is none of label.cl"),
        ("label.weight=bought", "label.weight: 'bought' is the label"),
        ("label.weight=price", "features.price (line 8): is the weight of the rows and cannot be"),
        ("data.exclude=[city]", "data.exclude.0: 'city' is a feature and cannot be excluded"),
        ("data.exclude=[bought]", "data.exclude.0: 'bought' is the label and cannot be excluded"),
        ("gates.bias.groups=[bought]", "gates.bias.groups.0: 'bought' is the label, and cannot be"),
        ("gates.bias.groups=[]", "gates.bias.groups: "),
        ("gates.bias.groups=[a, a]", "gates.bias.groups: names 'a' twice"),
        (
            "gates.bias={groups: [a], max_mean_difference: 1}",
            "max_mean_difference: is for a regression, not for task 'binary'. Use max_rate_diff",
        ),
        (
            "evaluation.metrics=[accuracy]",
            "does not fit the task 'binary'. Use one of auc",
        ),
        ("evaluation.metrics=[auc, auc]", "evaluation.metrics.1: 'auc' is named twice"),
        ("evaluation.thresholds.recall.min=1", "is a threshold on a metric that is not computed"),
        ("evaluation.thresholds.acu.min=1", "there is no metric 'acu'. Did you mean 'auc'?"),
    ],
)
def test_what_does_not_fit_together(shop, override, message):
    assert message in the_problem(shop, override)


def test_groups_fit_a_regression_and_are_in_the_data(shop):
    regression = ["label={name: bought, task: regression}"]
    rates = "gates.bias={groups: [a], min_rate_ratio: 0.8}"
    message = "gates.bias.min_rate_ratio: is for classes, not for task 'regression'. Use max_mean"
    assert message in the_problem(shop, *regression, rates)
    means = "gates.bias={groups: [a], max_mean_difference: 2}"
    assert load_config(shop, [*regression, means]).gates.bias.max_mean_difference == 2
    excluded = ["data.exclude=[a]", "gates.bias.groups=[a]"]
    assert "'a' is in gates.bias.groups and cannot be excluded" in the_problem(shop, *excluded)


def test_classes_are_the_texts_of_plain_values(shop):
    positive = ["label.classes=[false, true]", "label.positive=true"]
    label = load_config(shop, positive).label
    assert (label.classes, label.positive) == (("false", "true"), "true")
    label = load_config(
        shop, ["label.classes=[1, 2.0]", "label.positive=2", "label.weight=w"]
    ).label
    assert (label.classes, label.positive, label.weight) == (("1", "2"), "2", "w")
    config = load_config(shop, ["label.weight=w"])
    assert config.evaluation.metrics[-2:] == ("example_count", "weighted_example_count")


def test_overrides_are_yaml(shop):
    config = load_config(
        shop,
        [
            "training.steps=5",
            "model.hidden_units=[8, 4]",
            "features.price.transform=zscore",
            "features.size={transform: minmax}",
            "training.early_stopping=null",
            "training.learning_rate=1e-4",
            "label.classes=['no', 'yes']",
        ],
    )
    assert config.training.steps == 5
    assert config.model.hidden_units == (8, 4)
    assert config.features["price"].transform == "zscore"
    assert config.features["size"].transform == "minmax"
    assert config.training.early_stopping is None
    assert config.training.learning_rate == 1e-4
    assert config.label.classes == ("no", "yes")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.steps", "must be KEY=VALUE"),
        ("training..steps=1", "must be KEY=VALUE"),
        ("traning.steps=1", "traning: unknown key. Did you mean 'training'?"),
        ("training.stesp=1", "training.stesp: unknown key. Did you mean 'steps'?"),
        ("features.prize.transform=log", "there is no feature 'prize'. Did you mean 'price'?"),
        ("name.first=x", "name is not a mapping, found 'shop'"),
        ("model.hidden_units=[8", "is not YAML"),
    ],
)
def test_overrides_that_are_wrong(shop, override, message):
    assert message in the_problem(shop, override)


def test_a_wrong_configuration_is_read_as_far_as_it_goes(shop):
    reading = read_config(shop, ["training.steps=0"])
    assert len(reading.problems) == 1
    assert reading.config.training.steps is None
    assert pathlib.Path(reading.config.data.path).is_absolute()


def test_yaml_says_no_and_means_it(shop):
    """YAML 1.2: `no` is text, so that a country code does not turn into a boolean."""
    append(shop, "description: no\n")
    assert load_config(shop).description == "no"


@pytest.mark.parametrize("link", ["[{0}, {0}]", "{{<<: [{0}, {0}]}}"])
def test_aliases_of_aliases_are_refused(shop, link):
    levels = [f"a{n}: &a{n} {link.format(f'*a{n - 1}')}" for n in range(1, 40)]
    append(shop, "\n".join(["a0: &a0 {x: 1}", *levels]) + "\n")
    assert "aliases that stand for more than 100,000 values" in the_problem(shop)


@pytest.mark.parametrize("limit", [1000, 100_000])
def test_deep_nesting_is_refused(shop, limit):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)  # as Keras, IPython and others do
    try:
        append(shop, "deep: " + "[" * 5000 + "]" * 5000 + "\n")
        assert "is nested too deeply" in the_problem(shop)
    finally:
        sys.setrecursionlimit(before)


def test_anchors_and_aliases(shop):
    append(shop, "  size: &whole {transform: minmax}\n  width: *whole\n")
    assert load_config(shop).features["width"].transform == "minmax"
