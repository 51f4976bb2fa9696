"""How is one run trained? The Lightning module, its recipe, what its gates do, and a pilot of a few steps.

May import `ablations`, `subjects`, `lightning`, `settings`, `networks`, `placing`, `stacking`, `data`, `cost` and
`recording`. Imported by `attention`.
"""
