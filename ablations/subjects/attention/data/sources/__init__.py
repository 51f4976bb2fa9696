"""Where do labelled examples come from? Built-in sets, files and the user's own function.

May import `ablations`, `settings`, `layouts` and `stored`. Imported by `data`, `graphs`, `metric_learning` and
`scenes`.
"""
