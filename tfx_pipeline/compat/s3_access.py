"""How TensorFlow, Beam and TFX come to read and write `s3://`, on either line.

On TFX 1.16 tensorflow-io adds S3 to TensorFlow. On TFX 1.21 there is none: TFX's `fileio`
gets a file system of its own, and nodes work on local copies (see `execution.local_copies`).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from collections.abc import Iterable, Iterator

from tfx_pipeline import errors
from tfx_pipeline.compat import lines
from tfx_pipeline.storage import object_store, s3


def tensorflow_has_s3() -> bool:
    """Whether TensorFlow itself can read and write `s3://`, with the extra `s3`."""
    return lines.installed() == lines.OLDER


def prepare(texts: Iterable[str]) -> None:
    """Lets this process use S3 when one of `texts` names it. May import TensorFlow then.

    Raises:
      MissingExtra: `boto3` or, on TFX 1.16, `tensorflow-io` is not installed.
    """
    if not any(s3.SCHEME in text for text in texts):
        return
    for name, value in object_store.tensorflow_variables(os.environ).items():
        os.environ.setdefault(name, value)
    try:
        importlib.import_module("boto3")  # Beam's file system
        if tensorflow_has_s3():
            importlib.import_module("tensorflow_io")  # TensorFlow's and so TFX's
    except ImportError as error:
        raise errors.MissingExtra(f"what s3:// needs ({error.name})", "s3") from error
    if not tensorflow_has_s3():
        from tfx_pipeline.compat import s3_files

        s3_files.register()


@contextlib.contextmanager
def readable_by_tensorflow(folder: str) -> Iterator[str]:
    """Gives the folder, or a local copy that is removed at the end where TensorFlow has no S3."""
    if tensorflow_has_s3() or not s3.is_s3(folder):
        yield folder
        return
    from tfx_pipeline.compat import s3_files

    with tempfile.TemporaryDirectory(prefix="model-") as copy:
        s3_files.download_folder(folder, copy)
        yield copy
