"""Which reduction ratio is worth its cost? kappa, r* and its interval, and whether the model holds.

May import `plain_files`, `analysis`, `prices`, `equal`, `tables`, `contrasts` and `curves`. Imported by `width`,
`plots`, `analysis.claims`, `words`, `evidence`, `figures`, `options`, `sections`, `report` and `cli`.
"""
