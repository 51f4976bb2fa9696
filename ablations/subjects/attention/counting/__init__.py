"""How many parameters and multiply-adds has a network? It is traced without any weights.

May import `ablations`, `settings`, `blocks` and `networks`. Imported by `attach`, `placing`, `cost`,
`attention.claims` and `cli`.
"""
