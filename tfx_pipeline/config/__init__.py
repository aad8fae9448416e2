"""The typed configuration: `pipeline.yaml` becomes one frozen `Config`, or a list of problems.

`models` holds the sections, `loader` reads and validates them, `overrides` applies `--set`,
`preflight` compares them with the data and the schema. Nothing here imports TensorFlow or TFX.
"""
