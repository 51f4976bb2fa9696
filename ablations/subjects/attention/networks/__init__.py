"""Which networks can host attention, and at which places?

May import `ablations`, `settings` and `blocks`. Imported by `counting`, `placing`, `stacking`, `cost`, `transformers`,
`training`, `attention` and `cli`.
"""
