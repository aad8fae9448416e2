"""Transform: the user's preprocessing function over Arrow record batches.

- `component`, `executor`: TFX's component; fits the function and applies it.
- `split_marker`: a column that identifies the split of a batch inside TensorFlow Transform.
- `example_writer`: transformed batches as TFRecord files.
- `tfx_files`: the same ways to read and write for what TFX's executor does.
"""
