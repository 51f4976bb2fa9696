"""What does a study say, in one file? The report, its stored numbers, and the check that recomputes them.

May import `plain_files`, `analysis`, `drawing`, `page`, `sequential`, `effects`, `tradeoff`, `evidence`, `figures` and
`sections`. Imported by `cli`.
"""
