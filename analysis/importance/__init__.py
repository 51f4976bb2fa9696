"""Which factor explains how much? Three measures, each labelled by its question.

May import `analysis`, `tables` and `contrasts`. Imported by `evidence` and `cli`.
"""
