"""The treatment of images: what the network reads of a file, and what is exported."""

from __future__ import annotations

import numpy as np
import pytest

from tests import images
from tests.modeling import harness
from tfx_pipeline.config import features
from tfx_pipeline.config.image_format import GREY
from tfx_pipeline.errors import ConfigError

pytestmark = pytest.mark.tensorflow

SCHEMA = 'feature { name: "photo" type: BYTES }\nfeature { name: "y" type: FLOAT }'
LABEL = {"name": "y", "task": "regression"}


def config(**settings):
    return {"features": {"photo": {"transform": "image", **settings}}, "label": LABEL}


def of_photo(**settings):
    """The feature of a column `photo` of 8 x 8 pixels."""
    import tensorflow as tf

    from tfx_pipeline.modeling.columns import Column
    from tfx_pipeline.modeling.images import Image

    treatment = Image(transform="image", size=(8, 8), **settings)
    return treatment.of_column(Column("photo", tf.string))


def rows(count=12):
    """Images that are light or dark, and how light."""
    made = []
    for number in range(count):
        level = number * 20
        pixels = np.full((8, 6, 3), level, np.uint8)
        pixels[: number % 4] = 255 - level
        made.append({"photo": images.file(pixels), "y": float(pixels.mean())})
    return made


def pixels_of(transformed, split, shape):
    """The pixels that Transform packed, uint8 [rows, *shape]."""
    count = len(transformed.rows(split)["y"])
    packed = np.array(transformed.rows(split)["photo"], np.int64).reshape(count, -1)
    return packed.view(np.uint8)[:, : np.prod(shape)].reshape(count, *shape)


@pytest.mark.parametrize("compat_v1", [True, False])
def test_an_image_of_the_size_is_packed_as_it_is(tmp_path, compat_v1):
    exact = [images.noise(7, 5, seed) for seed in range(4)]
    made = [{"photo": images.file(pixels), "y": 1.0} for pixels in exact]
    settings = config(size=[7, 5])
    found = harness.transform(tmp_path, settings, SCHEMA, {"train": made}, compat_v1)
    assert sorted(map(bytes, pixels_of(found, "train", (7, 5, 3)))) == sorted(map(bytes, exact))


def test_other_sizes_and_kinds_and_missing_ones(tmp_path):
    light = np.full((40, 30, 3), 200, np.uint8)
    unusual = [{"photo": data, "y": 1.0} for data in images.kinds().values()]
    splits = {
        "train": [{"photo": images.file(light, "JPEG"), "y": 1.0}],
        "missing": [{"y": 1.0}],
        "kinds": unusual,
    }
    settings = config(size=[8, 12], channels=1, indicator=True)
    found = harness.transform(tmp_path, settings, SCHEMA, splits)
    assert np.all(abs(pixels_of(found, "train", (8, 12, 1)).astype(int) - 200) <= 2)
    assert np.all(pixels_of(found, "missing", (8, 12, 1)) == 128)
    assert len(pixels_of(found, "kinds", (8, 12, 1))) == len(unusual)
    assert found.rows("missing")["photo_missing"] == [1.0]
    assert found.rows("train")["photo_missing"] == [0.0]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A model that varies images in training, and its folder."""
    folder = tmp_path_factory.mktemp("images")
    settings = config(size=[8, 8], augment=["flip", "crop"], filters=4, embedding_dim=4)
    found = harness.transform(folder, settings, SCHEMA, {"train": rows(), "eval": rows()})
    model = harness.train(found, folder, {"hidden_units": [8]}, **harness.SHORT)
    return harness.Server(model), folder / "Format-Serving"


def test_a_prediction_is_the_same_each_time_and_in_each_signature(served):
    server, _ = served
    files = [row["photo"] for row in rows()]
    examples = [harness.example({"photo": data}) for data in files]
    first = server.call("columns", photo=files)["predictions"]
    assert np.array_equal(first, server.call("columns", photo=files)["predictions"])
    by_example = server.call("serving_default", examples=examples)["predictions"]
    assert np.allclose(first, by_example, rtol=1e-5)
    assert np.ptp(first) > 1


def test_nothing_random_is_in_the_export(served):
    import tensorflow as tf

    graph = tf.saved_model.load(str(served[1]))
    for signature in graph.signatures.values():
        definition = signature.graph.as_graph_def()
        nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
        assert not [node.name for node in nodes if "Random" in node.op]


def test_bytes_that_are_no_image_are_refused_by_the_name_of_the_column(served):
    with pytest.raises(Exception, match="column photo: a value is not the bytes of a JPEG or"):
        served[0].call("columns", photo=[b"no image"])


def test_a_missing_image_is_answered_like_grey(served):
    answers = served[0].call("columns", photo=[b"", GREY])["predictions"]
    assert answers[0] == pytest.approx(answers[1], rel=1e-5)


def test_training_sees_varied_images(tmp_path):
    """The same image is another one each time; without `augment` it is not."""
    import tf_keras

    photo = images.noise(8, 8).tobytes()
    packed = np.frombuffer(photo, np.int64)[np.newaxis]
    for augment, count in (("none", 1), (["crop"], 4), (["flip"], 2)):
        feature = of_photo(augment=augment)
        inputs = feature.model_inputs()
        model = tf_keras.Model(inputs, feature.encode(inputs, None)[0])
        shown = {model({"photo": packed}, training=True).numpy().tobytes() for _ in range(20)}
        unchanged = {model({"photo": packed}, training=False).numpy().tobytes() for _ in range(5)}
        assert len(shown) >= count
        assert len(unchanged) == 1


@pytest.mark.parametrize("name", ["mean_color", "halved"])
def test_an_encoder_of_ones_own(tmp_path, name):
    settings = config(size=[8, 8], augment="none", encoder=f"tests.modeling.own_encoder.{name}")
    found = harness.transform(tmp_path, settings, SCHEMA, {"train": rows(), "eval": rows()})
    model = harness.train(found, tmp_path, {"hidden_units": [8]}, **harness.SHORT)
    answers = harness.Server(model).call("columns", photo=[row["photo"] for row in rows()])
    assert np.isfinite(answers["predictions"]).all()
    assert np.ptp(answers["predictions"]) > 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "own_encoder.nothing raised TypeError"),
        ("flat", "own_encoder.flat has an output of rank 1. Return a layer or model whose output"),
        ("absent", "has no function or class 'absent'"),
    ],
)
def test_a_wrong_encoder_is_named(name, message):
    feature = of_photo(encoder=f"tests.modeling.own_encoder.{name}")
    with pytest.raises(ConfigError, match=message):
        feature.encode(feature.model_inputs(), None)


def test_convolutions_lengthen_the_estimate_of_a_step():
    small = features.find("image")(transform="image", size=(16, 16))
    large = features.find("image")(transform="image", size=(64, 64))
    assert 1e5 < small.multiplications < large.multiplications


def test_rows_of_images_are_read_in_small_batches(tmp_path, monkeypatch):
    """A split that is larger than the memory: 12 rows of 192 bytes, three in a batch."""
    from tfx_pipeline.modeling import dataset

    monkeypatch.setattr(dataset, "MAX_BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(dataset, "_EVALUATED_BYTES", 3 * 192)
    monkeypatch.setattr(dataset, "_SHUFFLE_BYTES", 5 * 192)
    made = rows()
    found = harness.transform(tmp_path, config(size=[8, 8]), SCHEMA, {"train": made})
    split = dataset.read_split([found.files["train"]], found.output, ["photo"], "y")
    batches = list(split.evaluation())
    assert [len(labels) for _, labels in batches] == [3, 3, 3, 3]
    assert int(split.evaluation().cardinality()) == len(batches)
    read = np.concatenate([labels[:, 0] for _, labels in batches])
    assert sorted(read) == pytest.approx(sorted(row["y"] for row in made))
    assert split.sample()["photo"].shape == (5, 24)
    columns, labels = next(iter(split.training(4, seed=1)))
    assert columns["photo"].shape == (4, 24)
    assert len(labels) == 4
