"""Which tasks beside classification does attention serve? Modules and data of ours, used as a user's program is.

May import nothing of ours. Imported by nothing of ours.
"""
