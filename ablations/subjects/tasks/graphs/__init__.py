"""Which class has a graph? Message passing between its nodes, with attention over their channels.

May import nothing of ours. Imported by nothing of ours.
"""
