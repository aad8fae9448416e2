"""What a user's table is, and a project for it: the decisions of `tfx-pipeline init`.

Nothing here imports TensorFlow, TFX, Beam or ML Metadata.
"""
