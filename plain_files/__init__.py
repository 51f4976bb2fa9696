"""Files read strictly, by rules that all packages share: what people write by hand, and a study's records.

May import nothing of ours. Imported by 34 folders.
"""
