"""How do gates look? Their distributions, single channels, and what is left when channels are dropped.

May import `plain_files` and `drawing`. Imported by `figures`.
"""
