"""The local server: TensorFlow Serving's APIs, for development and tests on one machine."""
