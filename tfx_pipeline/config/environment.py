"""The names of this project's environment variables."""

METADATA_PASSWORD = "TFX_PIPELINE_METADATA_PASSWORD"  # noqa: S105 - the name of a variable
"""The password of a MySQL database for ML Metadata; never in a file."""

DATA_PASSWORD = "TFX_PIPELINE_DATA_PASSWORD"  # noqa: S105 - the name of a variable
"""The password of the database that `data.url` names; never in a file."""

PLAIN = "TFX_PIPELINE_PLAIN"
"""With `1`, no patch of another library is applied; with names (`NAME,NAME`), all but these
(see `tfx_pipeline.compat`)."""

WORKERS = "TFX_PIPELINE_WORKERS"
"""Where the other workers of a training or a search wait, `HOST:PORT,HOST:PORT`. Without it they
are started on the chief's machine."""

WORKERS_KEY = "TFX_PIPELINE_WORKERS_KEY"
"""What the chief must say to these workers, so that they train for no other."""

DEBUG = "TFX_PIPELINE_DEBUG"
"""With any value but 0, commands print the traceback of an error."""


def is_set(value: str | None) -> bool:
    """Whether a variable that switches something on is set."""
    return value not in (None, "", "0")
