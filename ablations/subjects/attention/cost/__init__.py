"""What does an arm cost, before it is trained; and how long does its network take?

May import `settings`, `networks`, `counting`, `placing` and `data`. Imported by `training`, `attention`,
`attention.claims` and `cli`.
"""
