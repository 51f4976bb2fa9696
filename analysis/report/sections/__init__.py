"""Which sections has a report, and what are its verdicts in plain words?

May import `plain_files`, `analysis`, `drawing`, `page`, `tables`, `planned`, `sequential`, `effects`, `tradeoff`,
`analysis.claims`, `tested`, `evidence`, `figures` and `until_width`. Imported by `report` and `cli`.
"""
