"""Evaluator: metrics by slice, thresholds, comparison with the baseline, blessing.

- `component`, `executor`: the component; evaluates, stores metrics, blesses.
- `eval_config`: our metric names and thresholds as TFMA's EvalConfig.
- `beam_pipeline`: the Beam pipeline that writes TFMA's files.
- `scoring`, `feature_reader`, `slicing`: predictions and labels, and the rows of each slice.
- `metric_accumulators`: metrics from sums that can be merged.
- `results`: reads TFMA's files; writes metrics and blessing.
"""
