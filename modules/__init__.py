"""What a data scientist edits: how columns are treated, the network, the training."""

import os

# Before anything imports TensorFlow: the exports are Keras 2.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
