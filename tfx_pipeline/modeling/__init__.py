"""What the example's `modules/` are made of: columns, treatments, labels, training, export."""
