"""ExampleGen: CSV, Parquet and TFRecord files become tf.Examples and Arrow columns.

- `component`, `driver`, `executor`: the component, its span and fingerprint, its work.
- `input_files`, `header_check`: which files are read, and whether they are one table.
- `table_sources`, `csv_reader`, `type_inference`: files as batches of typed columns.
- `tfrecord_source`: files of tf.Examples, which are passed on unchanged.
- `profile`: the columns' types over all files, and the problems.
- `csv_diagnostics`: what is wrong with a CSV file, with line numbers.
- `beam_pipeline`, `split_writer`: the Beam pipeline, and the files of each split.
"""
