"""How does a study stand, read from its folder or counted as it runs?

May import `plain_files`, `ablations` and `records`. Imported by `supervision`, `studies`, `words` and `cli`.
"""
