"""How do the arms of one seed start with the same numbers, in a network that somebody else wrote?

May import the files of `ablations` itself: errors, streams, randomness.
"""
