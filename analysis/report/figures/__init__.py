"""Which figures has a report, what does each need, and which words stand under it?

May import `plain_files`, `analysis`, `drawing`, `page`, `gates`, `tradeoff`, `plots` and `evidence`. Imported by
`sections`, `report` and `cli`.
"""
