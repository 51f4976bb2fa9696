"""When is a comparison settled, if one looks after every seed? The rule, its boundaries, its looks, and what they cost.

May import `plain_files`, `analysis`, `prices`, `tables`, `contrasts` and `planned`. Imported by `effects`, `options`,
`analysis.claims`, `tested`, `evidence`, `sections`, `report` and `cli`.
"""
