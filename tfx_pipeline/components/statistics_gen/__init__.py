"""StatisticsGen: TFDV's statistics for each split, from record batches.

- `component`, `executor`: TFX's component, and one Beam pipeline for all splits.
"""
