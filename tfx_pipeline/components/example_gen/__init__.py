"""ExampleGen: files and tables become tf.Examples and Arrow columns.

- `component`, `driver`, `executor`: the component, its span and fingerprint, its work.
- `input_files`, `header_check`, `file_changes`: which files are read, whether they are one
  table, and whether they change meanwhile.
- `table_sources`, `csv_reader`, `type_inference`, `number_format`: delimited text.
- `typed_source`, `typed_values`: tables whose values have types; `columnar_readers` reads
  Parquet and ORC, `record_readers` JSON lines and Avro.
- `sql_reader`, `row_checksum`, `sql_spool`, `sql_handover`: what a database returns.
- `tfrecord_source`: files of tf.Examples, which are passed on unchanged.
- `profile`: the columns' types over all files, and the problems.
- `csv_diagnostics`: what is wrong with a CSV file, with line numbers.
- `ingestion`, `split_writer`: the Beam pipeline, and the files of each split.
- `split_rules`, `split_thresholds`, `split_folders`, `split_outcome`: which split a row goes to.
"""
