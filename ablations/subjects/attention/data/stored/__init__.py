"""How do stored images become pixels, all at once or ahead of training? Decoding, a look at all, worker processes.

May import `ablations`, `settings` and `layouts`. Imported by `data.sources`, `data`, `metric_learning`, `pictures` and
`segmentation`.
"""
