"""Which figures has a report, what does each need, and which words stand under it?

May import `analysis`, `tradeoff`, `drawing`, `plots`, `page`, `gates` and `evidence`. Imported by `sections`, `report`
and `cli`.
"""
