"""What do a command's words ask for? Options shared by commands, made into executors, searches, tables, plans.

May import `plain_files`, `ablations`, `records`, `executors`, `designs`, `analysis`, `equal`, `tables`, `contrasts`,
`sequential`, `tradeoff`, `planning`, `until_width`, `supervision` and `studies`. Imported by `cli`.
"""
