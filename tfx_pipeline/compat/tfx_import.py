"""`tfx.v1` in half the time: `from tfx_pipeline import tfx`.

`from tfx import v1 as tfx` imports every component of TFX with its executor, and so the clients
of Google's cloud and of Kubernetes. `lazy_imports` has stand-ins for them; they are applied while
`tfx.v1` is imported here, and only then.
"""

from __future__ import annotations

from tfx_pipeline.compat import lazy_imports

with lazy_imports.importing(*lazy_imports.OF_TFX):
    from tfx import v1 as tfx

__all__ = ["tfx"]
