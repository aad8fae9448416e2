"""BaselineResolver: the latest model that Evaluator and ExportCheck both blessed."""
