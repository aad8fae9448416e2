"""Cannot be imported."""

import a_module_that_is_not_there  # noqa: F401


def run_fn(fn_args):
    """Never called."""
