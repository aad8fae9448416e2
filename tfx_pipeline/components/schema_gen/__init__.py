"""SchemaGen: TFX's component; a column that is empty in one split is not deprecated.

- `component`, `executor`: TFX's inference, and the types of such columns.
"""
