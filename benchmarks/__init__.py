"""Measures quality and speed beside stock TFX and simple baselines: `python -m benchmarks`."""
