"""Keeps AutoGraph away from library code that needs no conversion."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def libraries_left_alone() -> Iterator[None]:
    """TensorFlow's own list of such code names `keras` but not `tf_keras`.

    Without this, AutoGraph rewrites tf_keras' whole source: 28 CPU-seconds at
    the start of a training. The training loop itself does need conversion: it
    is a Python loop over a tensor of steps. Where a TensorFlow lacks these
    private rules, nothing changes but the time.
    """
    try:
        from tensorflow.python.autograph.core import config
        from tensorflow.python.autograph.core.config_lib import Convert, DoNotConvert

        before = config.CONVERSION_RULES
    except (ImportError, AttributeError):
        yield
        return
    own = (Convert("tf_keras.src.engine.training"), DoNotConvert("tf_keras"))
    config.CONVERSION_RULES = (*own, DoNotConvert("tensorflow_transform"), *before)
    try:
        yield
    finally:
        config.CONVERSION_RULES = before
