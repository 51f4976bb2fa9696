"""How do the arms of one seed see the same data in the same order, through loaders that somebody else wrote?

May import `ablations`. Imported by `lightning` and `own_module`.
"""
