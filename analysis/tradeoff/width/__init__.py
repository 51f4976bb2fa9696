"""How does the best ratio grow with the width of the network?

May import `plain_files`, `analysis`, `prices`, `tables`, `contrasts` and `tradeoff`. Imported by `analysis.claims`,
`evidence` and `cli`.
"""
