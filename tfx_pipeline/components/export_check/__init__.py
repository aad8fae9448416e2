"""ExportCheck: loads the model as TensorFlow Serving does and compares its answers."""
