"""Files that people write by hand, read strictly: what is the same for a space and for a plan of comparisons.

A package of its own, since `ablations` and `analysis` both read such files and neither imports the other. Both may
import it; it imports none of ours and no library but the file format's.
"""
