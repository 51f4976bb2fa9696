"""How does W&B see a study? A view of the records, in a process of its own; it can neither block nor fail a study.

May import `plain_files`, `ablations`, `subjects` and `records`. Imported by `studies`, `optuna` and `cli`.
"""
