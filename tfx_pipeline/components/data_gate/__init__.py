"""DataGate: stops a run whose data has anomalies.

- `component`, `executor`: the component; its executor refuses or warns.
- `anomaly_findings`, `empty_rows`, `label_values`, `row_weights`: what it refuses or warns about.
- `gates`, `comparison`, `column_comparison`, `noise`: drift against the data of the last blessed
  model, skew between the splits.
- `bias_gate`, `bias`, `group_counts`: the share and the labels of each group.
- `quality_summary`, `unused_comparators`: what it says about data that passed.
"""
