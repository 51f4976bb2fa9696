"""Where do labelled examples come from? Built-in sets, files and the user's own function.

May import `ablations` and `settings`. Imported by `data`, `graphs`, `metric_learning`, `scenes`, `transformers`,
`pictures`, `detection` and `segmentation`.
"""
