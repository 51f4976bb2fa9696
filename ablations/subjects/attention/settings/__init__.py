"""What can vary in a run of attention, which settings go together, and which an arm does not use? No torch.

May import `ablations` and `subjects`. Imported by `blocks`, `networks`, `counting`, `attach`, `placing`, `layouts`,
`stored`, `data.sources`, `data`, `cost`, `attention.claims`, `graphs`, `metric_learning`, `scenes`, `transformers`,
`training`, `attention`, `own_module` and `cli`.
"""
