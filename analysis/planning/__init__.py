"""How many seeds does a question need, and what does a budget pay for?

May import `plain_files`, `analysis`, `contrasts` and `curves`. Imported by `options`.
"""
