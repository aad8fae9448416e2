"""ML Metadata: the connection, the creation of its schema, what nodes and runs left there."""
