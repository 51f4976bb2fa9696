"""What is there to say of a study? Everything, computed once; a part that cannot be had says why.

May import `plain_files`, `analysis`, `prices`, `page`, `tables`, `contrasts`, `importance`, `sequential`, `effects`,
`curves`, `tradeoff`, `width`, `plots` and `tested`. Imported by `figures`, `sections`, `report` and `cli`.
"""
