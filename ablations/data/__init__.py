"""Data sets as tensors: read once, split into what trains and what validates, given out in batches."""
