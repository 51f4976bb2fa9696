"""Which tasks beside classification does attention serve? Modules and data of ours, used as a user's program is.

May import `ablations`. Imported by `detection` and `segmentation`.
"""
