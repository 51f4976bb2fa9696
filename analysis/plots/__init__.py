"""How does a result look? Functions from a frame or a result to matplotlib axes; none fits or loads.

May import `plain_files`, `drawing` and `tradeoff`. Imported by `evidence` and `figures`.
"""
