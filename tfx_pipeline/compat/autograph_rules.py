"""Keeps AutoGraph away from library code that needs no conversion, while models are made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tfx_pipeline.compat.patch import applied
from tfx_pipeline.compat.table import ARGUMENT_NAMES, AUTOGRAPH_RULES, TRANSFORM_RULES


def with_own_rules(rules: tuple[Any, ...]) -> tuple[Any, ...]:
    """TensorFlow's rules behind those for tf_keras and TensorFlow Transform."""
    from tensorflow.python.autograph.core.config_lib import Convert, DoNotConvert

    # The training loop itself does need conversion: it is a Python loop over a tensor of steps.
    own = (Convert("tf_keras.src.engine.training"), DoNotConvert("tf_keras"))
    return (*own, DoNotConvert("tensorflow_transform"), *rules)


def with_rules_of_transform(rules: tuple[Any, ...]) -> tuple[Any, ...]:
    """TensorFlow's rules behind those for the libraries whose graphs a user's model contains.

    Neither calls a function of the user in these graphs. Keras does, so its code is converted
    as before: then a learning rate schedule with an `if` works as with TFX's own Trainer.
    """
    from tensorflow.python.autograph.core.config_lib import DoNotConvert

    return (DoNotConvert("tensorflow_transform"), DoNotConvert("tfx_bsl"), *rules)


@contextlib.contextmanager
def keras_not_converted() -> Iterator[None]:
    """Lets AutoGraph leave tf_keras and TensorFlow Transform as they are, inside.

    Columns of any name can be inputs of the graphs that are loaded there.
    """
    with applied([AUTOGRAPH_RULES, ARGUMENT_NAMES]):
        yield


@contextlib.contextmanager
def transform_not_converted() -> Iterator[None]:
    """Lets AutoGraph leave TensorFlow Transform and tfx_bsl as they are, inside."""
    with applied([TRANSFORM_RULES]):
        yield
