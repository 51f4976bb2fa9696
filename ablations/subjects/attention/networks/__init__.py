"""Which networks can host attention, and at which places?

May import `ablations`, `settings` and `blocks`. Imported by `counting`, `placing`, `cost`, `stacking`, `training`,
`attention`, `cli` and `transformers`.
"""
