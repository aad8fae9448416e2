"""ExampleGen: CSV, Parquet and TFRecord files become tf.Examples and Arrow columns."""
