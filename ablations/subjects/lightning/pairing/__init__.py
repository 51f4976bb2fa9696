"""How do the arms of one seed start with the same numbers, in a network that somebody else wrote?

May import `ablations`. Imported by `own_module`.
"""
