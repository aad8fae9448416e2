"""Transform: the user's preprocessing function over Arrow record batches."""
