"""What several components use.

- `column_kinds`, `column_store`, `raw_rows`, `record_batches`, `example_files`: reading rows, as
  tf.Examples or as Arrow columns; `label_counts`: the values of the label.
- `example_encoder`, `protobuf_wire`, `tfrecord_files`: writing tf.Examples.
- `prefetch`, `reshuffled_create`: how work is spread over threads and Beam workers.
- `artifacts`, `blessing`: the type of inputs and outputs, reading a schema; writing a blessing.
- `executor_outcome`: how an executor refuses, or completes with a message.
"""
