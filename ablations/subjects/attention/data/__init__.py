"""Which examples does a run train on and validate on? Read once, split by class, given out in batches.

May import `ablations`, `settings`, `layouts`, `stored` and `data.sources`. Imported by `cost`, `transformers`,
`recording`, `training` and `attention`.
"""
