"""BaselineResolver: finds the latest model that both Evaluator and ExportCheck blessed.

`component` has the component and its strategy. It needs no executor: TFX resolves it
before the nodes that use its outputs.
"""
