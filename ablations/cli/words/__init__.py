"""How is an answer said on a terminal? A result is a value; its printed words stand here.

May import `plain_files`, `ablations`, `subjects`, `records`, `executors`, `supervision`, `designs`,
`studies`, `tables`, `effects`, `tradeoff` and `analysis.claims`. Imported by `cli`.
"""
