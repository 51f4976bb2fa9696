"""Which network does an arm ask for? Attention at the places of its host, or a widening that costs as much.

May import `ablations`, `settings`, `networks` and `counting`. Imported by `cost`, `attention.claims`,
`metric_learning`, `transformers`, `training`, `attention` and `cli`.
"""
