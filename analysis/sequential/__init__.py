"""When is a comparison settled, if one looks after every seed? The rule, its boundaries, its looks, and what they cost.

May import `plain_files`, `analysis`, `tables`, `contrasts` and `planned`. Imported by `effects`, `analysis.claims`,
`tested`, `evidence`, `until_width`, `options`, `sections`, `report` and `cli`.
"""
