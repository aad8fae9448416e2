"""`tfx.v1` in a third of the time: `from tfx_pipeline import tfx`.

`from tfx import v1 as tfx` imports every component of TFX with its executor, and so TensorFlow,
KerasTuner, and the clients of Google's cloud and of Kubernetes. `lazy_imports` has stand-ins for
them; they are applied while `tfx.v1` is imported here, and only then.
"""

from __future__ import annotations

from tfx_pipeline.compat import known_warnings, lazy_imports
from tfx_pipeline.compat.tensorflow_environment import keep_keras

if keep_keras():
    known_warnings.leave_out_keras()
known_warnings.leave_out()
with lazy_imports.importing_tfx():
    from tfx import v1 as tfx

__all__ = ["tfx"]
