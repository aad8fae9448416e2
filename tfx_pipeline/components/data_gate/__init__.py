"""DataGate: stops a run whose data has anomalies.

- `component`, `executor`: the component, and the findings it refuses or warns about.
- `quality_summary`: one line about data that passed.
"""
