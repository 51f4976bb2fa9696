"""What is there to say of a study? Everything, computed once; a part that cannot be had says why.

May import `analysis`, `tables`, `contrasts`, `importance`, `prices`, `sequential`, `effects`, `curves`, `tradeoff`,
`width`, `plots`, `page` and `tested`. Imported by `figures`, `sections`, `report` and `cli`.
"""
