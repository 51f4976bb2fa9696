"""Which sections has a report, and what are its verdicts in plain words?

May import `tables`, `contrasts`, `planned`, `sequential`, `effects`, `tradeoff`, `page`, `evidence` and
`figures`. Imported by `report` and `cli`.
"""
