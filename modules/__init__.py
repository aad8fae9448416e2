"""What a data scientist edits: how columns are transformed, the network, the training."""
