"""Features, labels, the network, training and export: the building blocks of `modules/`.

Start with `preprocessing.preprocessing_fn` and `trainer.run_fn`. The pipeline
uses them where pipeline.yaml names no functions of your own.
"""
