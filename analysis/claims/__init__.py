"""What do sentences claim that are to be printed, and what do the runs say of each?

May import `plain_files`, `analysis`, `prices`, `tables`, `contrasts`, `planned`, `sequential`, `tradeoff` and `width`.
Imported by `sections`, `words` and `cli`.
"""
