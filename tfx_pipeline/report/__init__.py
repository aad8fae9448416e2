"""The report of a run: one HTML file from the artifacts and ML Metadata of the run.

    page.write(run_facts.read(runs, "20261124-101500-0417"), pathlib.Path("report.html"))

Everything is read; nothing is computed from the data's rows. What a page needs and no artifact of
TFX has is stored by the node that has the data: `details.json` by the Evaluator, `history.json` by
the Trainer, `learned.json` by Transform.
"""
