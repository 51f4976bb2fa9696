"""What can vary in a run of attention, which settings go together, and which an arm does not use? No torch.

May import `ablations` and `subjects`. Imported by `blocks`, `networks`, `counting`, `attach`, `placing`, `own_module`,
`layouts`, `stored`, `data.sources`, `data`, `cost`, `training`, `attention`, `attention.claims` and `cli`.
"""
