"""What does an arm cost, before it is trained; and how long does its network take?

May import `ablations`, `settings`, `networks`, `counting`, `placing` and `data`. Imported by `attention.claims`,
`training`, `attention` and `cli`.
"""
