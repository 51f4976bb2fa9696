"""Which reduction ratio is worth its cost? kappa, r* and its interval, and whether the model holds.

May import `plain_files`, `analysis`, `tables`, `contrasts`, `prices` and `curves`. Imported by `width`,
`plots`, `evidence`, `figures`, `options`, `analysis.claims`, `sections`, `report`, `words` and `cli`.
"""
