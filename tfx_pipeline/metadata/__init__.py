"""ML Metadata: the connection, its schema's creation, and records of nodes and runs."""
