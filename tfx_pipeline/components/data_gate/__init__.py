"""DataGate: stops a run whose data has anomalies.

- `component`, `executor`: the component; its executor refuses or warns.
- `anomaly_findings`, `empty_rows`, `label_values`: what it refuses or warns about.
- `quality_summary`, `unused_comparators`: what it says about data that passed.
- `raw_rows`: how it reads rows.
"""
