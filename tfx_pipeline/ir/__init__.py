"""The compiled pipeline: TFX's intermediate representation, and the manifest beside it."""
