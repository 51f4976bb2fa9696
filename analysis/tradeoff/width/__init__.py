"""How does the best ratio grow with the width of the network?

May import `plain_files`, `analysis`, `tables`, `contrasts`, `prices` and `tradeoff`. Imported by `analysis.claims`,
`evidence` and `cli`.
"""
