"""What do sentences claim that are to be printed, and what do the runs say of each?

May import `plain_files`, `analysis`, `tables`, `contrasts`, `planned`, `prices`, `sequential`, `tradeoff` and `width`.
Imported by `words`, `sections` and `cli`.
"""
