"""Keeps AutoGraph away from library code that needs no conversion, while models are made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tfx_pipeline.compat.patch import applied
from tfx_pipeline.compat.table import ARGUMENT_NAMES, AUTOGRAPH_RULES


def with_own_rules(rules: tuple[Any, ...]) -> tuple[Any, ...]:
    """TensorFlow's rules behind those for tf_keras and TensorFlow Transform."""
    from tensorflow.python.autograph.core.config_lib import Convert, DoNotConvert

    # The training loop itself does need conversion: it is a Python loop over a tensor of steps.
    own = (Convert("tf_keras.src.engine.training"), DoNotConvert("tf_keras"))
    return (*own, DoNotConvert("tensorflow_transform"), *rules)


@contextlib.contextmanager
def keras_not_converted() -> Iterator[None]:
    """Lets AutoGraph leave tf_keras and TensorFlow Transform as they are, inside.

    Columns of any name can be inputs of the graphs that are loaded there.
    """
    with applied([AUTOGRAPH_RULES, ARGUMENT_NAMES]):
        yield
