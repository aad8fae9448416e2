"""From a configuration to a compiled pipeline: the standard pipeline, the compiler, its cache."""
