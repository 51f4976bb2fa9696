"""Which class has a graph? Message passing between its nodes, with attention over their channels.

May import `ablations`, `settings` and `data.sources`. Imported by nothing of ours.
"""
