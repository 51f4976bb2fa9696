"""What was written down before the runs, and what became of it? Comparisons, and looks that spend alpha.

May import `plain_files`, `analysis`, `tables` and `contrasts`. Imported by `sequential`, `effects`,
`analysis.claims`, `sections` and `cli`.
"""
