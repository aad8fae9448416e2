"""TensorFlow Serving's messages, tensors and status codes, without TensorFlow."""
