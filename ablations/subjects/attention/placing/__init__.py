"""Which network does an arm ask for? Attention at the places of its host, or a widening that costs as much.

May import `ablations`, `settings`, `networks` and `counting`. Imported by `cost`, `training`, `attention`,
`attention.claims`, `cli`, `metric_learning` and `transformers`.
"""
