"""Evaluator: metrics by slice, thresholds, comparison with the baseline, blessing."""
