"""Several runs as one wider network: the same arithmetic in a fraction of the operations."""
