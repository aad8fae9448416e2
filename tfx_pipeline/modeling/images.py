"""Features from images: JPEG and PNG files are decoded and resized in the exported graph.

Transform makes each image small and packs its pixels as bytes into integers, eight in each.
So the transformed examples hold a byte for each value, and training never decodes a file.
The model unpacks them at no cost: `tf.bitcast` changes the type and not the bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from pydantic import Field, PositiveInt
from typing_extensions import override

from tfx_pipeline.config.image_format import GREY, JPEG, PNG
from tfx_pipeline.config.treatment import TEXT
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.modeling import graph_names
from tfx_pipeline.modeling.column_statistics import ColumnStatistics
from tfx_pipeline.modeling.feature import Feature
from tfx_pipeline.user_code import finder, loader

Augmentation = Literal["crop", "flip"]
Side = Annotated[int, Field(ge=4, le=1024)]

_PACKED = 8
"""Bytes in an int64."""
_RGB = 3
_SMALLEST_MAP = 4
_MOST_FILTERS = 128
_SHIFT = 0.125
_TIMES_FASTER = 5.0
"""How much faster than a dense layer a convolution multiplies, measured on two cores."""


class Image(Feature):
    """JPEG or PNG files, read by a small convolutional network or by an encoder of your own."""

    transform: Literal["image"]
    """Selects this treatment."""
    size: Annotated[tuple[Side, ...], Field(min_length=2, max_length=2)] = (32, 32)
    """The height and the width to which each image is resized, in pixels."""
    channels: Literal[1, 3] = 3
    """3 for colours, 1 for shades of grey. Images of other kinds are converted."""
    augment: tuple[Augmentation, ...] | Literal["none"] = ("crop",)
    """How images are varied while the model is trained, never when it predicts: `crop` shifts them
    by up to an eighth of their height and width, `flip` mirrors left and right. `none`: not at
    all."""
    filters: PositiveInt = 16
    """The filters of the first convolution. The number doubles with each halving of the size, up
    to 128."""
    embedding_dim: PositiveInt = 64
    """The size of the vector that the rest of the network reads."""
    encoder: Annotated[str, Field(pattern=r"^\w+(\.\w+)+$")] | None = None
    """The dotted path of your own encoder instead of the convolutions: a function that takes the
    shape `(height, width, channels)` and returns a Keras layer or model. Its input is float32
    [batch, height, width, channels] from 0 to 255."""

    accepts = (TEXT,)

    @pydantic.field_validator("encoder")
    @classmethod
    def _encoder_exists(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        folder = str((info.context or {}).get("folder", ""))
        if value and folder:
            missing = finder.problem(value, folder)
            if missing is not None:
                raise ValueError(f"{value}: {missing[0]}. {missing[1]}".rstrip())
            finder.prefer_project(value.partition(".")[0], folder)
        return value

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the resized images."""
        height, width = self.size
        return height, width, self.channels

    @property
    def _words(self) -> int:
        """The integers that hold the pixels of an image."""
        return math.ceil(math.prod(self.shape) / _PACKED)

    @property
    @override
    def multiplications(self) -> float:
        """Those of the convolutions; of an encoder of your own they are not known."""
        if self.encoder:
            return 0.0
        pixels, inputs, found = math.prod(self.size), int(self.channels), 0
        for filters in self._filters:
            found += 9 * pixels * inputs * filters
            pixels, inputs = pixels // 4, filters
        return found / _TIMES_FASTER

    @property
    def _filters(self) -> list[int]:
        """The filters of each convolution: after each, the image is halved."""
        halvings = int(math.log2(min(self.size) / _SMALLEST_MAP))
        most = max(_MOST_FILTERS, self.filters)
        return [min(self.filters << number, most) for number in range(halvings + 1)]

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        files = self.column.strings(inputs)
        pixels = read_pixels(files, self.name, self.shape)
        flat = tf.reshape(pixels, [-1, math.prod(self.shape)])
        filled = tf.pad(flat, [[0, 0], [0, self._words * _PACKED - math.prod(self.shape)]])
        packed = tf.bitcast(tf.reshape(filled, [-1, self._words, _PACKED]), tf.int64)
        outputs = {self.name: tf.ensure_shape(packed, [None, self._words])}
        return {**outputs, **self.missing_indicator(inputs)}

    @override
    def model_inputs(self) -> dict[str, Any]:
        name = graph_names.of_column(self.name)
        own = tf_keras.Input((self._words,), name=name, dtype=tf.int64)
        return {self.name: own, **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        own, *indicator = inputs.values()
        pixels = tf.reshape(tf.bitcast(own, tf.uint8), [-1, self._words * _PACKED])
        pixels = tf.reshape(pixels[:, : math.prod(self.shape)], [-1, *self.shape])
        pixels = self._augmented(tf.cast(pixels, tf.float32))
        features = self._own_encoder(pixels) if self.encoder else self._convolutions(pixels)
        dense = tf_keras.layers.Dense(
            self.embedding_dim, activation="relu", name=graph_names.of_column(self.name, "embed")
        )
        return [dense(features), *indicator]

    def _augmented(self, pixels: Any) -> Any:
        """The pixels, varied in training only: these layers do nothing elsewhere."""
        layers, name = tf_keras.layers, graph_names.of_column
        if "flip" in self.augment:
            pixels = layers.RandomFlip("horizontal", name=name(self.name, "flip"))(pixels)
        if "crop" in self.augment:
            shift = layers.RandomTranslation(
                _SHIFT, _SHIFT, fill_mode="nearest", name=name(self.name, "crop")
            )
            pixels = shift(pixels)
        return pixels

    def _convolutions(self, pixels: Any) -> Any:
        """Halves the image until its shorter side has 4 pixels; [batch, n]."""
        layers, name = tf_keras.layers, graph_names.of_column
        maps = layers.Rescaling(1 / 127.5, -1.0, name=name(self.name, "scaled"))(pixels)
        for number, filters in enumerate(self._filters):
            if number:
                maps = layers.MaxPooling2D()(maps)
            maps = layers.Conv2D(filters, 3, padding="same", use_bias=False)(maps)
            maps = layers.BatchNormalization(momentum=0.9)(maps)
            maps = layers.ReLU()(maps)
        return layers.Flatten(name=name(self.name, "flat"))(maps)

    def _own_encoder(self, pixels: Any) -> Any:
        """What the user's encoder makes of the pixels, [batch, n].

        Raises:
          ConfigError: it is no Keras layer, fails, or returns another shape.
        """
        path = str(self.encoder)
        try:
            encoder = loader.load(path)(self.shape)
            features = encoder(pixels)
        except loader.LoadError as error:
            raise self._wrong_encoder(error.reason, error.remedy) from error
        except Exception as error:
            raise self._wrong_encoder(f"raised {loader.describe(error)}") from error
        rank = len(getattr(features, "shape", ()))
        if rank == 4:
            return tf_keras.layers.GlobalAveragePooling2D()(features)
        if rank == 2:
            return features
        remedy = "Return a layer or model whose output is [batch, n] or [batch, height, width, n]"
        found = f"has an output of rank {rank}" if rank else f"returned {type(encoder).__name__}"
        raise self._wrong_encoder(found, remedy)

    def _wrong_encoder(self, found: str, remedy: str = "") -> ConfigError:
        where = f"features.{self.name}.encoder"
        return ConfigError(Problem(where, f"{self.encoder} {found}", remedy))


def read_pixels(files: tf.Tensor, name: str, shape: tuple[int, int, int]) -> tf.Tensor:
    """Decodes and resizes JPEG and PNG files.

    Args:
      files: string [batch], the bytes of each file; "" for a missing image, which is grey.
      name: the column's name, for the error of a text that is no image.
      shape: height, width, and 1 or 3 channels.

    Returns:
      uint8 [batch, height, width, channels].
    """
    is_missing = tf.equal(files, "")
    is_jpeg = tf.equal(tf.strings.substr(files, 0, len(JPEG)), JPEG)
    is_png = tf.equal(tf.strings.substr(files, 0, len(PNG)), PNG)
    message = f"column {name}: a value is not the bytes of a JPEG or PNG file"
    known = tf.debugging.Assert(tf.reduce_all(is_missing | is_jpeg | is_png), [message])
    with tf.control_dependencies([known]):
        files = tf.where(is_missing, GREY, files)
    return tf.map_fn(
        lambda file: _resized(file, shape),
        files,
        fn_output_signature=tf.TensorSpec(shape, tf.uint8),
    )


def _resized(file: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
    """uint8 [height, width, channels] of one file."""
    height, width, channels = shape
    # It reads JPEG too. Grey comes from the colours, because CMYK has no other way to grey.
    decoded = tf.io.decode_png(file, channels=_RGB)
    pixels = tf.image.resize(decoded, (height, width), antialias=True)
    if channels != _RGB:
        pixels = tf.image.rgb_to_grayscale(pixels)
    rounded = tf.clip_by_value(tf.round(pixels), 0.0, 255.0)
    return tf.ensure_shape(tf.cast(rounded, tf.uint8), shape)
