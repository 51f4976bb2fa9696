"""Which sections has a report, and what are its verdicts in plain words?

May import `plain_files`, `analysis`, `tables`, `contrasts`, `planned`, `sequential`, `effects`, `tradeoff`, `page`,
`analysis.claims`, `tested`, `evidence` and `figures`. Imported by `report` and `cli`.
"""
