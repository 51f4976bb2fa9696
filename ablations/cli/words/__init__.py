"""How is an answer said on a terminal? A result is a value; its printed words stand here.

May import `plain_files`, `ablations`, `subjects`, `records`, `executors`, `designs`, `tables`, `effects`, `tradeoff`,
`analysis.claims`, `standing`, `supervision` and `studies`. Imported by `cli`.
"""
