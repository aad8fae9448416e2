"""Everything that knows the inside of another library.

`table` lists all patches, with target, reason, versions and what each saves; `patch`
explains how they are switched off (`TFX_PIPELINE_PLAIN`). The other modules hold what the
patches put in place, and the few classes that need more than a library's public names.
No other package imports a private name of a library.
"""
