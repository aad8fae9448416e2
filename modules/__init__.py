"""What a data scientist edits: how columns are treated, the network, the training."""
