"""What do a command's words ask for? Options shared by commands, made into executors, searches, tables, plans.

May import `plain_files`, `ablations`, `records`, `executors`, `supervision`, `designs`, `studies`, `analysis`,
`equal`, `tables`, `contrasts`, `sequential`, `tradeoff`, `planning` and `until_width`. Imported by `cli`.
"""
