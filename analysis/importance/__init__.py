"""Which factor explains how much? Three measures, each labelled by its question.

May import `plain_files`, `analysis`, `tables` and `contrasts`. Imported by `evidence` and `cli`.
"""
