"""Clients for TensorFlow Serving's gRPC and REST APIs that send raw rows."""
