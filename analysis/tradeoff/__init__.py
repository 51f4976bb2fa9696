"""Which reduction ratio is worth its cost? kappa, r* and its interval, and whether the model holds.

May import `plain_files`, `analysis`, `tables`, `contrasts`, `prices` and `curves`. Imported by `width`, `plots`,
`evidence`, `options`, `analysis.claims`, `words`, `figures`, `sections`, `report` and `cli`.
"""
