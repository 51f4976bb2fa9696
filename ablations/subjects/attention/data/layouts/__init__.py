"""Which images does a data set of files have, and where do the bytes of each lie? No image is held or decoded here.

May import `ablations` and `settings`. Imported by `stored`, `data.sources`, `data`, `metric_learning` and `pictures`.
"""
