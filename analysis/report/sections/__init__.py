"""Which sections has a report, and what are its verdicts in plain words?

May import `analysis`, `tables`, `contrasts`, `planned`, `effects`, `tradeoff`, `analysis.claims`, `page`,
`evidence` and `figures`. Imported by `report` and `cli`.
"""
