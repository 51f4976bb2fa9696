"""Files that people write by hand, read strictly: what is the same for a space and for a plan of comparisons.

May import nothing of ours. Imported by `designs`, `planned` and `analysis.claims`.
"""
