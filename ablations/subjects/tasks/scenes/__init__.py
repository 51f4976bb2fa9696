"""How are digits composed into scenes with masks and boxes, made once and remembered?

May import `ablations`, `subjects`, `settings` and `data.sources`. Imported by nothing of ours.
"""
